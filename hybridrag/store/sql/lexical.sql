-- The lexical index.

-- name: lexical_figures
select coalesce(s.chunks, 0) - coalesce(b.chunks, 0) as chunks, coalesce(s.terms, 0) - coalesce(b.terms, 0) as terms,
       coalesce(s.last, 0) as last, coalesce(b.numbers, ''::bytea) as buried,
       coalesce((select array_agg(distinct a order by a) from segment g cross join lateral unnest(g.analysers) a
                 where g.chunk_set_id = %(chunk_set)s), '{}') as analysers
from (select sum(chunks) as chunks, sum(terms) as terms, max(last) as last
      from segment where chunk_set_id = %(chunk_set)s) s
cross join (select count(*) as chunks, sum(length) as terms, string_agg(int4send(number), ''::bytea) as numbers
            from buried where chunk_set_id = %(chunk_set)s) b;

-- name: last_number
select coalesce(max(last), 0) as last from segment where chunk_set_id = %(chunk_set)s;

-- name: lexical_counts
select (select coalesce(sum(chunks), 0) from segment where chunk_set_id = %(chunk_set)s)::int as written,
       (select count(*) from buried where chunk_set_id = %(chunk_set)s)::int as buried;

-- name: frequencies
-- A length is read without the bytes.
select p.term, sum(octet_length(p.entries) / 8)::int as chunks
from posting p
where p.chunk_set_id = %(chunk_set)s and p.term = any(%(terms)s)
  and p.segment = any(array(select first from segment where chunk_set_id = %(chunk_set)s))
group by p.term;

-- name: postings
select p.term, p.entries
from posting p
where p.chunk_set_id = %(chunk_set)s and p.term = any(%(terms)s)
  and p.segment = any(array(select first from segment where chunk_set_id = %(chunk_set)s))
order by p.segment;

-- name: insert_segment
insert into segment (chunk_set_id, first, last, chunks, terms, analysers)
values (%(chunk_set)s, %(first)s, %(last)s, %(chunks)s, %(terms)s, %(analysers)s);

-- name: copy_postings
copy posting (chunk_set_id, segment, term, entries) from stdin (format binary);

-- name: segments
select first, last, chunks from segment where chunk_set_id = %(chunk_set)s order by first;

-- name: merge_postings
with old as (
    delete from posting where chunk_set_id = %(chunk_set)s and segment = any(%(segments)s)
    returning segment, term, entries
)
insert into posting (chunk_set_id, segment, term, entries)
select %(chunk_set)s, (select min(s) from unnest(%(segments)s::int[]) s), term,
       string_agg(entries, ''::bytea order by segment)
from old
group by term;

-- name: merge_segments
with old as (
    delete from segment where chunk_set_id = %(chunk_set)s and first = any(%(segments)s)
    returning first, last, chunks, terms, analysers
)
insert into segment (chunk_set_id, first, last, chunks, terms, analysers)
select %(chunk_set)s, min(first), max(last), sum(chunks), sum(terms),
       (select array_agg(distinct a order by a) from old o cross join lateral unnest(o.analysers) a)
from old;

-- name: all_postings
select term, string_agg(entries, ''::bytea order by segment) as entries
from posting where chunk_set_id = %(chunk_set)s
group by term;

-- name: create_living
create temporary table living (term text collate "C" not null, entries bytea not null) on commit drop;

-- name: copy_living
copy living (term, entries) from stdin (format binary);

-- name: delete_postings
delete from posting where chunk_set_id = %(chunk_set)s;

-- name: insert_living
insert into posting (chunk_set_id, segment, term, entries)
select %(chunk_set)s, %(first)s, term, entries from living;

-- name: settle_segment
-- Lengths in `chunk` and in `buried` are exact, those in postings are capped.
update segment s
set chunks = s.chunks - b.chunks, terms = s.terms - b.terms
from (select count(*) as chunks, coalesce(sum(length), 0) as terms from buried where chunk_set_id = %(chunk_set)s) b
where s.chunk_set_id = %(chunk_set)s and s.first = %(first)s;

-- name: forget_buried
delete from buried where chunk_set_id = %(chunk_set)s;
