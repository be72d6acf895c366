-- Where documents came from.

-- name: origins
select d.id, d.path, d.container, d.media_type, d.content_hash, d.modified_at, s.name, s.kind, s.root, s.only_paths,
       s.include, s.exclude, s.label, s.label_globs, s.ingested_at, -- A clock that was set back makes nothing younger than new.
       greatest(extract(epoch from now() - s.ingested_at), 0)::float8 as age
from document d join source s on s.id = d.source_id
where d.collection_id = %(collection)s and d.id = any(%(documents)s);
