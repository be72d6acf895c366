-- The first schema: collections, their sources and documents, chunk sets, generations.
--
-- A generation's vectors lie in a table of their own, `vectors_<id>` (text_hash bytea primary key, embedding halfvec),
-- made when the generation is made, so that retiring one is a DROP. They are keyed by the hash of the exact text given
-- to the model: the same text is embedded once, wherever it stands.

create table collection (
    id          bigint generated always as identity primary key,
    name        text not null unique,
    embedder    text not null,
    text_search regconfig not null,
    created_at  timestamptz not null default now()
);

create table source (
    id            bigint generated always as identity primary key,
    collection_id bigint not null references collection on delete cascade,
    name          text not null,
    kind          text not null check (kind in ('folder', 'jsonl', 'stdin')),
    root          text not null,
    only_paths    text[] not null default '{}',
    include       text[] not null default '{}',
    exclude       text[] not null default '{}',
    label         text not null,
    label_globs   jsonb not null default '[]',
    ingested_at   timestamptz,
    unique (collection_id, name)
);

-- Everything that decides the chunks of a document: parser, chunker and tokenizer with their versions and limits.
create table chunk_set (
    id            bigint generated always as identity primary key,
    collection_id bigint not null references collection on delete cascade,
    parameters    jsonb not null,
    unique (collection_id, parameters)
);

create table generation (
    id            bigint generated always as identity primary key,
    collection_id bigint not null references collection on delete cascade,
    chunk_set_id  bigint not null references chunk_set,
    model         text not null,
    fingerprint   text not null,
    dimensions    int not null check (dimensions between 1 and 4000),
    state         text not null check (state in ('building', 'ready', 'active', 'retired')),
    created_at    timestamptz not null default now()
);
create unique index generation_one_active on generation (collection_id) where state = 'active';

create table document (
    collection_id bigint not null references collection on delete cascade,
    id            uuid not null,
    source_id     bigint not null references source on delete cascade,
    path          text not null,
    external_id   text,
    title         text not null,
    media_type    text not null,
    label         text not null,
    metadata      jsonb not null,
    content_hash  bytea not null,
    modified_at   timestamptz,
    dated_at      timestamptz,
    text          text not null,
    pages         jsonb not null,
    processing    text not null,  -- hash of the parameters that made text and chunks; another one means: do it again
    indexed_at    timestamptz not null default now(),
    primary key (collection_id, id),
    unique (source_id, path)
);

create table chunk (
    id            uuid not null,
    chunk_set_id  bigint not null references chunk_set on delete cascade,
    collection_id bigint not null,
    document_id   uuid not null,
    ordinal       int not null,
    start_offset  int not null,
    end_offset    int not null,
    page          int,
    headings      text[] not null,
    tokens        int not null,
    text          text not null,
    text_hash     bytea not null,
    lexemes       tsvector not null,
    length        int not null,
    primary key (chunk_set_id, id),
    foreign key (collection_id, document_id) references document on delete cascade
);
create index chunk_document on chunk (collection_id, document_id);
create index chunk_text_hash on chunk (chunk_set_id, text_hash);
create index chunk_lexemes on chunk using gin (lexemes);
