# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a server is asked about its roles, databases and grants."""

from __future__ import annotations

SERVER_QUERY = """
select jsonb_build_object(
  'data_checksums', current_setting('data_checksums') = 'on',
  'pending_restart', (select coalesce(jsonb_agg(name order by name), '[]') from pg_settings where pending_restart),
  'altered', (select coalesce(jsonb_agg(distinct name), '[]') from pg_file_settings
              where sourcefile like '%/postgresql.auto.conf'),
  'roles', (select jsonb_object_agg(rolname, jsonb_build_object(
      'login', rolcanlogin, 'connection_limit', rolconnlimit, 'verifier', rolpassword,
      'privileged', rolsuper or rolcreatedb or rolcreaterole or rolbypassrls,
      'replication', rolreplication,
      'member_of', (select coalesce(jsonb_agg(g.rolname), '[]') from pg_auth_members m
                    join pg_roles g on g.oid = m.roleid where m.member = r.oid)))
    from pg_authid r),
  'settings', (select coalesce(jsonb_agg(jsonb_build_array(coalesce(rolname, ''), coalesce(datname, ''),
      lower(split_part(c, '=', 1)), substr(c, strpos(c, '=') + 1))), '[]')
    from pg_db_role_setting cross join unnest(setconfig) c
    left join pg_roles r on r.oid = setrole left join pg_database d on d.oid = setdatabase),
  'held', (select coalesce(jsonb_agg(x), '[]') from (
    select rolname as role, datname as database, deptype = 'o' and classid <> 'pg_default_acl'::regclass as owns,
           case when dbid = 0 then pg_describe_object(classid, objid, 0) end as object, count(*) as number
    from pg_shdepend join pg_roles r on refclassid = 'pg_authid'::regclass and refobjid = r.oid
    left join pg_database d on d.oid = dbid where rolname = any(:'absent') group by 1, 2, 3, 4) x),
  'databases', (select jsonb_object_agg(datname, jsonb_build_object(
      'owner', pg_get_userbyid(datdba),
      'public', (select count(*) > 0 from aclexplode(coalesce(datacl, acldefault('d', datdba))) where grantee = 0),
      'connect', (select coalesce(jsonb_agg(pg_get_userbyid(grantee)), '[]')
                  from aclexplode(coalesce(datacl, acldefault('d', datdba)))
                  where privilege_type = 'CONNECT' and grantee not in (0, datdba))))
    from pg_database));
"""
DATABASE_QUERY = """
select jsonb_build_object(
  'database', current_database(),
  'owned', (select coalesce(jsonb_agg(x), '[]') from (
    select rolname as role, pg_describe_object(classid, objid, objsubid) as object
    from pg_shdepend join pg_roles r on refclassid = 'pg_authid'::regclass and refobjid = r.oid
    where deptype = 'o' and classid <> 'pg_default_acl'::regclass and rolname = any(:'absent')
      and dbid = (select oid from pg_database where datname = current_database()) order by 1, 2) x),
  'extensions', (select jsonb_object_agg(extname, exists (select from pg_depend d join pg_class c on c.oid = d.objid
      where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_extension'::regclass and d.refobjid = e.oid
      and d.deptype = 'e' and c.relkind in ('r', 'p', 'm'))) from pg_extension e),
  'needed', coalesce(nullif(current_setting('holdfast.needed', true), ''), '{}')::jsonb,
  'schemas', (select jsonb_object_agg(nspname, jsonb_build_object(
      'owner', pg_get_userbyid(nspowner), 'public_create', has_schema_privilege('public', oid, 'CREATE'),
      'usage', (select coalesce(jsonb_agg(distinct pg_get_userbyid(grantee)), '[]') from aclexplode(nspacl)
                where grantee <> 0 and privilege_type = 'USAGE')))
    from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'),
  'relations', (select coalesce(jsonb_agg(x), '[]') from (
    select n.nspname as schema, case c.relkind when 'S' then 'sequences' else 'tables' end as kind,
           pg_get_userbyid(c.relowner) as owner, count(*) as number
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and n.nspname !~ '^pg_' group by 1, 2, 3) x),
  'granted', (select coalesce(jsonb_agg(x), '[]') from (
    select n.nspname as schema, case c.relkind when 'S' then 'sequences' else 'tables' end as kind,
           pg_get_userbyid(a.grantee) as role, a.privilege_type as privilege, count(distinct c.oid) as number
    from pg_class c join pg_namespace n on n.oid = c.relnamespace cross join lateral aclexplode(c.relacl) a
    where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and a.grantee not in (0, c.relowner)
      and n.nspname !~ '^pg_' group by 1, 2, 3, 4) x),
  'lookups', (select coalesce(jsonb_object_agg(nspname, jsonb_build_object(
      'owners', array[pg_get_userbyid(proowner), pg_get_userbyid(nspowner)],
      'callers', (select jsonb_agg(pg_get_userbyid(grantee) order by pg_get_userbyid(grantee))
                  from aclexplode(coalesce(proacl, acldefault('f', proowner)))),
      'source', prosrc, 'definer', prosecdef, 'config', proconfig,
      'reads', has_column_privilege(proowner, 'pg_catalog.pg_authid', 'rolpassword', 'SELECT'),
      'usage', (select count(*) > 0 from aclexplode(nspacl) where pg_get_userbyid(grantee) = nspname))), '{}')
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where proname = 'lookup' and pg_get_function_identity_arguments(p.oid) = 'text'),
  'defaults', (select coalesce(jsonb_agg(x), '[]') from (
    select n.nspname as schema, case d.defaclobjtype when 'S' then 'sequences' else 'tables' end as kind,
           pg_get_userbyid(d.defaclrole) as owner, pg_get_userbyid(a.grantee) as role, a.privilege_type as privilege
    from pg_default_acl d join pg_namespace n on n.oid = d.defaclnamespace
    cross join lateral aclexplode(d.defaclacl) a
    where d.defaclobjtype in ('r', 'S') and a.grantee not in (0, d.defaclrole)) x));
"""
# Who needs an extension is told by PostgreSQL itself: it drops it and takes that back.
NEEDED_QUERY = """do $$ declare extension text; words text; needed jsonb = '{}'; begin
  foreach extension in array %s::text[] loop
    begin
      execute format('drop extension if exists %%I', extension);
      raise sqlstate 'HF001';
    exception when sqlstate 'HF001' then null;
      when others then
        get stacked diagnostics words = pg_exception_detail;
        needed := needed || jsonb_build_object(extension, coalesce(nullif(words, ''), sqlerrm));
    end;
  end loop;
  perform set_config('holdfast.needed', needed::text, false);
end $$;"""
# Between the look and the drop something may have been created.
OWNS_NOTHING = """do $$ begin
  if exists (select from pg_shdepend where refclassid = 'pg_authid'::regclass and refobjid = to_regrole({0!l})
             and deptype = 'o' and classid <> 'pg_default_acl'::regclass
             and dbid in (0, (select oid from pg_database where datname = current_database())))
  then raise 'the role owns something by now'; end if;
end $$"""
EXISTS_QUERY = "select exists (select from pg_database where datname = :'name') as there \\gset"
