-- What documents have in common: text that many repeat at their edges, and documents that say the same.

-- What a document is compared with others by. `edges` are hashes of the paragraphs near its beginning and its end;
-- `digest` is of its words, `sketch` of their sequences: 128 hashes, four bytes each, little-endian. Both are empty where
-- there is no word. `version` tells what made them; another one means: make them again.
create table likeness (
    collection_id bigint not null,
    document_id   uuid not null,
    version       int not null,
    edges         bigint[] not null,
    words         int not null,
    digest        bytea not null,
    sketch        bytea not null,
    primary key (collection_id, document_id),
    foreign key (collection_id, document_id) references document on delete cascade
);

-- Paragraphs that so many documents repeat at their edges that one of them is enough: `document_id` is chunked with it.
-- All of it follows from `likeness`, and is brought up to date at the end of a run.
create table boilerplate (
    collection_id bigint not null,
    hash          bigint not null,
    document_id   uuid not null,
    primary key (collection_id, hash),
    foreign key (collection_id, document_id) references document on delete cascade
);
create index boilerplate_document on boilerplate (collection_id, document_id);

-- The paragraphs that a document is to be chunked without, in rising order.
create function left_out_of(collection bigint, document uuid) returns bigint[] language sql stable as $$
    select coalesce(array_agg(b.hash order by b.hash), '{}')
    from hybridrag.likeness l
    cross join lateral unnest(l.edges) e(hash)
    join hybridrag.boilerplate b on b.collection_id = l.collection_id and b.hash = e.hash
    where l.collection_id = collection and l.document_id = document and b.document_id <> document
$$;

-- What told it, once the chunks of all documents follow it; null from the first change of a document on.
alter table collection add column repeated text;

-- Those that it was chunked without.
alter table chunking add column left_out bigint[] not null default '{}';
