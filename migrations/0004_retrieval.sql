-- The lexical index: an inverted index in tables, so that it changes in the same transaction as the chunks.
--
-- Every chunk has a number, unique and never used again in its chunk set. The index is made of segments, each for a range
-- of numbers: a batch of an ingest writes a segment, and neighbouring small ones are merged, which is a concatenation.
-- A posting holds all entries of a term in a segment, in the order of their numbers, eight bytes each: number (int4),
-- frequency of the term in the chunk and length of the chunk in terms (int2 each, at most 32,767), as `int4send` and
-- `int2send` write them. What is deleted is buried: its entries stay until the next compaction and count for nothing.

create table segment (
    chunk_set_id bigint not null references chunk_set on delete cascade,
    first        int not null,
    last         int not null,
    chunks       int not null,
    terms        bigint not null,       -- the sum of the chunks' lengths
    analysers    text[] not null,       -- by which the chunks were analysed, so that questions are too
    primary key (chunk_set_id, first),
    check (first <= last)
);

create table posting (
    chunk_set_id bigint not null,
    segment      int not null,          -- the `first` of its segment
    term         text collate "C" not null,
    entries      bytea not null,
    primary key (chunk_set_id, segment, term)
);
-- Entries hardly compress, and are read whole.
alter table posting alter column entries set storage external;

create table buried (
    chunk_set_id bigint not null,
    number       int not null,
    length       int not null,
    primary key (chunk_set_id, number)
);

-- What there was is taken over as it was stemmed; documents are analysed anew when they are next ingested.
alter table collection alter column text_search type text using
    case text_search::text when 'simple' then 'plain' else 'auto' end;

alter table chunk add column number int;
update chunk c set number = n.number
from (select chunk_set_id, id, row_number() over (partition by chunk_set_id order by document_id, ordinal) as number
      from chunk) n
where n.chunk_set_id = c.chunk_set_id and n.id = c.id;
alter table chunk alter column number set not null;
create unique index chunk_number on chunk (chunk_set_id, number);

insert into segment (chunk_set_id, first, last, chunks, terms, analysers)
select chunk_set_id, min(number), max(number), count(*), sum(length), array['en', 'plain']
from chunk group by chunk_set_id;
insert into posting (chunk_set_id, segment, term, entries)
select c.chunk_set_id, s.first, u.lexeme,
       string_agg(int4send(c.number)
                  || int2send(least(coalesce(cardinality(u.positions), 1), 32767)::int2)
                  || int2send(least(c.length, 32767)::int2), ''::bytea order by c.number)
from chunk c join segment s on s.chunk_set_id = c.chunk_set_id cross join lateral unnest(c.lexemes) u
group by c.chunk_set_id, s.first, u.lexeme;

drop index chunk_lexemes;
alter table chunk drop column lexemes;
drop index chunk_document;
create index chunk_document on chunk (collection_id, document_id) include (chunk_set_id, number);

-- For filters by metadata and by date.
create index document_metadata on document using gin (metadata jsonb_path_ops);
create index document_date on document (collection_id, (coalesce(dated_at, modified_at)));

-- By whatever way a chunk goes, it is buried.
create function bury_chunks() returns trigger language plpgsql set search_path = hybridrag as $$
begin
    -- A chunk set that goes as a whole takes its postings with it, before this is called.
    insert into buried (chunk_set_id, number, length)
    select g.chunk_set_id, g.number, g.length from gone g join chunk_set s on s.id = g.chunk_set_id;
    return null;
end
$$;
create trigger chunk_buried after delete on chunk
    referencing old table as gone for each statement execute function bury_chunks();

-- No foreign keys: they would be checked for each of thousands of terms in a batch.
create function drop_postings() returns trigger language plpgsql set search_path = hybridrag as $$
begin
    delete from posting where chunk_set_id = old.id;
    delete from buried where chunk_set_id = old.id;
    return null;
end
$$;
create trigger chunk_set_dropped after delete on chunk_set
    for each row execute function drop_postings();

-- Some of the generation's vectors, against which the cosines of a question's candidates are judged: rows of float16,
-- little-endian, as the fusion packs them; null where there is none yet. With it, how many chunks it was taken of.
alter table generation add column sample bytea;
alter table generation add column sampled_of int;

-- Vectors in two parts, one that is scanned and one that has an index; what there was is scanned, until it is many.
do $$
declare
    g record;
begin
    for g in select id, dimensions from generation loop
        execute format('alter table vectors_%s rename to vectors_%s_scanned', g.id, g.id);
        execute format('alter index vectors_%s_pkey rename to vectors_%s_scanned_pkey', g.id, g.id);
        execute format('alter table vectors_%s_scanned add column indexed boolean not null default false', g.id);
        execute format('create table vectors_%s (text_hash bytea not null, embedding halfvec(%s) not null,
                        indexed boolean not null default false) partition by list (indexed)', g.id, g.dimensions);
        execute format('alter table vectors_%s attach partition vectors_%s_scanned for values in (false)', g.id, g.id);
        execute format('create table vectors_%s_indexed partition of vectors_%s (primary key (text_hash))
                        for values in (true)', g.id, g.id);
    end loop;
end
$$;
