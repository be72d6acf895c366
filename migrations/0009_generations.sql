-- Generations beside the active one: built from a queue, compared, promoted and kept for a way back.
--
-- What decides a document's text (`document.processing`) is told apart from what decides its chunks (`chunking.processing`),
-- because a document may be chunked in several sets: by another model's tokenizer, or into other sizes. A row in `chunking`
-- says that all chunks of a document are in a set. What a generation lacks stands in two queues, filled in the same
-- transaction as the change that made it lack something, and emptied in the one that brings it: documents that are to be
-- chunked, and texts that are to be embedded. A generation is complete where neither holds anything of it.

alter table chunk_set add column text_search text;
update chunk_set s set text_search = c.text_search from collection c where c.id = s.collection_id;
alter table chunk_set alter column text_search set not null;
-- The most tokens of a chunk; null for what the model's window allows.
alter table chunk_set add column chunk_tokens int check (chunk_tokens > 0);
-- A later version of the program may make the same of what two sets were made with.
alter table chunk_set drop constraint chunk_set_collection_id_parameters_key;
-- Both belong to the generation that is active.
alter table collection drop column embedder;
alter table collection drop column text_search;

-- Where the headings are, so that a document can be chunked again without its file: [[start, level, title], ...]. Null in
-- what was stored before; the next ingest brings it.
alter table document add column headings jsonb;

create table chunking (
    chunk_set_id  bigint not null references chunk_set on delete cascade,
    collection_id bigint not null,
    document_id   uuid not null,
    processing    text not null,  -- hash of the set's parameters when it was chunked; another one means: do it again
    primary key (chunk_set_id, document_id),
    foreign key (collection_id, document_id) references document on delete cascade
);
create index chunking_document on chunking (collection_id, document_id);
insert into chunking (chunk_set_id, collection_id, document_id, processing)
select g.chunk_set_id, d.collection_id, d.id, ''
from document d join generation g on g.collection_id = d.collection_id and g.state = 'active';

-- `share` is the percentage of questions that a generation answers before it is promoted.
alter table generation add column share int not null default 0 check (share between 0 and 100);
alter table generation add column promoted_at timestamptz;
alter table generation add column retired_at timestamptz;
-- The report of the last gate it was put to.
alter table generation add column gate jsonb;
create unique index generation_one_shared on generation (collection_id) where share > 0;
create index generation_chunk_set on generation (chunk_set_id);

create table to_chunk (
    chunk_set_id  bigint not null references chunk_set on delete cascade,
    collection_id bigint not null,
    document_id   uuid not null,
    primary key (chunk_set_id, document_id),
    foreign key (collection_id, document_id) references document on delete cascade
);
create index to_chunk_document on to_chunk (collection_id, document_id);

create table to_embed (
    generation_id bigint not null references generation on delete cascade,
    text_hash     bytea not null,
    primary key (generation_id, text_hash)
);
