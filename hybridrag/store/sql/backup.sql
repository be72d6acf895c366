-- What a backup holds, and what it is checked by. The search path may name another schema here, so names are whole.

-- name: contents
select current_setting('server_version') as server,
       (select count(*) from hybridrag.collection) as collections,
       (select count(*) from hybridrag.document) as documents,
       (select count(*) from hybridrag.chunk) as chunks;

-- name: tables
select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'hybridrag' and c.relkind = 'r'
order by 1;

-- name: collections
select id, name from hybridrag.collection order by name;

-- name: not_ours
-- What else a cluster holds: databases and tables that no backup of ours carries over.
select 'database ' || datname as name from pg_database
where not datistemplate and datname not in ('postgres', 'hybridrag')
union all
select 'table ' || n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'm', 'v') and n.nspname !~ '^(pg_|information_schema$|hybridrag$)'
order by 1;
