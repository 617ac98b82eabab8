# Role, database, and every setting that a file of ours sets.
runuser -u postgres -- psql -XAtq <<'SQL'
select rolname, rolcanlogin, rolsuper, rolcreatedb, rolconnlimit, rolpassword is not null from pg_authid where rolname = 'fantasy_api_app';
select datname, pg_get_userbyid(datdba), datacl is not null from pg_database where datname = 'fantasy_api';
select name, setting from pg_settings where sourcefile like '%/conf.d/%' order by name;
select extname from pg_extension order by extname;
SQL
