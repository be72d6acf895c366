-- What an operator wants to know of the database.

-- name: server_health
select pg_is_in_recovery() as standby,
       current_setting('default_transaction_read_only')::bool as read_only,
       pg_size_bytes(current_setting('shared_buffers')) as shared_buffers,
       pg_size_bytes(current_setting('maintenance_work_mem')) as maintenance_work_mem,
       current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
           as most_connections,
       (select sum(numbackends)::int from pg_stat_database) as connections,
       pg_database_size(current_database()) as bytes,
       pg_backend_pid() as process,
       coalesce((select version from pg_stat_ssl where ssl and pid = pg_backend_pid()), '') as tls,
       extract(epoch from clock_timestamp())::float8 as now;

-- name: role_health
-- What the role may not do: read a table, write to one, and make the tables of a new generation.
select quote_ident(current_user) as name, has_schema_privilege('hybridrag', 'create') as may_make_tables,
       array(select c.relname::text from pg_class c
             where c.relnamespace = to_regnamespace('hybridrag') and c.relkind in ('r', 'p', 'v')
               and not has_table_privilege(c.oid, 'select') order by 1) as unreadable,
       array(select c.relname::text from pg_class c
             where c.relnamespace = to_regnamespace('hybridrag') and c.relkind in ('r', 'p')
               and not (has_table_privilege(c.oid, 'insert') and has_table_privilege(c.oid, 'update')
                        and has_table_privilege(c.oid, 'delete')) order by 1) as unwritable;

-- name: vectors_health
-- By what statistics say of its vectors; no row where there is none.
select c.name as collection, g.dimensions, sum(greatest(p.reltuples, 0))::bigint as vectors
from generation g join collection c on c.id = g.collection_id
join pg_class p on p.relnamespace = to_regnamespace('hybridrag')
               and p.relname in (format('vectors_%s_scanned', g.id), format('vectors_%s_indexed', g.id))
group by c.name, g.id, g.dimensions
order by sum(greatest(p.reltuples, 0)) * g.dimensions desc
limit 1;

-- name: runs_health
-- The last run of each collection, and when one last went well.
select distinct on (c.id) c.name as collection, r.verb, r.outcome, r.host, r.pid,
       greatest(extract(epoch from now() - r.started_at), 0)::float8 as age,
       holder_of(c.id) is not null as held,
       (select greatest(extract(epoch from now() - max(d.ended_at)), 0)::float8
        from run d where d.collection_id = c.id and d.outcome = 'done') as well
from collection c join run r on r.collection_id = c.id
order by c.id, r.number desc;

-- name: roots_health
select c.name as collection, s.name, s.root
from source s join collection c on c.id = s.collection_id
where s.kind in ('folder', 'jsonl')
order by c.name, s.name;
