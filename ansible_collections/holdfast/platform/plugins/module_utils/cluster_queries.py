# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a server of a cluster is asked about itself."""

from __future__ import annotations

# On an idle cluster the last transaction is old, and a record that has come this instant is not replayed yet: a standby
# is behind only if half a second later it still has not replayed what it had received.
LOOK_QUERY = """
with seen as materialized (select pg_last_wal_receive_lsn() as lsn),
waited as materialized (select pg_sleep(case when lsn > pg_last_wal_replay_lsn() then 0.5 else 0 end) is null from seen)
select jsonb_build_object(
  'recovery', pg_is_in_recovery(),
  'system', (select system_identifier::text from pg_control_system()),
  'timeline', case when pg_is_in_recovery()
      then coalesce((select received_tli from pg_stat_wal_receiver), (select timeline_id from pg_control_checkpoint()))
      else ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int end,
  'lsn', case when pg_is_in_recovery() then greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
      else pg_current_wal_lsn() end,
  'streaming', exists (select from pg_stat_wal_receiver where status = 'streaming'),
  'lag_seconds', case when not pg_is_in_recovery() or pg_last_wal_replay_lsn() >= seen.lsn then 0
      else extract(epoch from now() - pg_last_xact_replay_timestamp())::int end,
  'standbys', (select coalesce(jsonb_agg(jsonb_build_object(
      'name', application_name, 'state', state, 'sync', sync_state,
      'lag_bytes', pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn),
      'lag_seconds', coalesce(extract(epoch from replay_lag), 0)) order by application_name), '[]')
      from pg_stat_replication where usename = 'holdfast_replication' and not pg_is_in_recovery()
      and application_name not in ('pg_basebackup', 'pg_receivewal')),
  'slots', (select coalesce(jsonb_agg(jsonb_build_object('name', slot_name, 'active', active,
      'lost', coalesce(wal_status = 'lost', false)) order by slot_name), '[]')
      from pg_replication_slots where slot_type = 'physical'),
  'synchronous', current_setting('synchronous_standby_names'),
  'settings', (select jsonb_object_agg(name, setting::int) from pg_settings where name in ('max_connections',
      'max_worker_processes', 'max_wal_senders', 'max_prepared_transactions', 'max_locks_per_transaction')),
  'bare', not exists (select from pg_database where datname not in ('postgres', 'template0', 'template1'))
      and not exists (select from pg_roles where rolname <> 'postgres' and rolname !~ '^pg_'))
from seen, waited;
"""
# Objects of users, and of extensions, are numbered from 16384 on.
BARE_QUERY = """
select not exists (
  select oid from pg_class where oid >= 16384 union all select oid from pg_proc where oid >= 16384
  union all select oid from pg_type where oid >= 16384 union all select oid from pg_namespace where oid >= 16384
  union all select oid from pg_extension where oid >= 16384 union all select oid from pg_largeobject_metadata);
"""
