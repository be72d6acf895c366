-- Structure: blocks that are cut only between their parts, tables whose rows are read with their head, files that hold
-- other files.

-- Where tables, code and lists are: [[kind, start, end, head], ...]. Null in what was stored before; the next ingest
-- brings it.
alter table document add column blocks jsonb;
-- The file of the source that a document lies in, where that is an archive, a mailbox or a message; else null.
alter table document add column container text;
-- The head of the table that a chunk goes on with, as it stands in the document.
alter table chunk add column head text not null default '';

-- A file that holds other files, once all of them were indexed: what it was then, and what unpacked it.
create table container (
    source_id    bigint not null references source on delete cascade,
    path         text not null,
    content_hash bytea not null,
    stamp        text,
    processing   text not null,
    primary key (source_id, path)
);

-- Pages of the web are a source as well: its root is the origin of their addresses.
alter table source drop constraint source_kind_check;
alter table source add constraint source_kind_check check (kind in ('folder', 'jsonl', 'stdin', 'web'));
