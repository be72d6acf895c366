-- What was measured of collections.

-- name: insert_evaluation
insert into evaluation (collection_id, generation_id, dataset, asked, at, configuration, metrics, per_query)
values (%(collection)s, %(generation)s, %(dataset)s, %(asked)s, %(at)s, %(configuration)s, %(metrics)s,
        %(per_query)s)
returning id;

-- name: settle_evaluation
-- What came of a run. A baseline stays one.
update evaluation set verdict = %(verdict)s, held = %(held)s, baseline = baseline or %(baseline)s where id = %(id)s;

-- name: find_evaluation
select e.id, e.configuration, e.metrics, e.per_query
from evaluation e
where e.id = %(id)s;

-- name: list_baselines
-- Baselines that a mode may be held against, the best first: of this collection, then to the same questions, then late.
select e.id, e.asked = %(asked)s as same
from evaluation e
where e.collection_id = any(%(collections)s) and e.dataset = %(dataset)s and e.baseline
  and jsonb_exists(e.metrics -> 'modes', %(mode)s)
  and e.configuration ->> 'filter' is not distinct from %(filter)s
order by e.collection_id = %(collection)s desc, same desc, e.at desc, e.id desc
limit 10;

-- name: list_answer_baselines
-- The same for answers, by a provider or without one.
select e.id, e.metrics -> 'answers' ->> 'asked' = %(asked)s as same
from evaluation e
where e.collection_id = any(%(collections)s) and e.dataset = %(dataset)s and e.baseline
  and e.metrics -> 'answers' ->> 'mode' = %(mode)s
  and e.configuration ->> 'filter' is not distinct from %(filter)s
order by e.collection_id = %(collection)s desc, same desc, e.at desc, e.id desc
limit 10;

-- name: count_evaluations
-- How many runs there are of a dataset, whatever they asked.
select count(*) as runs
from evaluation e
where e.collection_id = %(collection)s and e.dataset = %(dataset)s and e.id is distinct from %(but)s;

-- name: latest_reranked
-- What the latest run with and without a reranker showed, on the vectors that serve now.
select e.id, e.dataset, e.at, e.configuration ->> 'reranker' as reranker, difference
from evaluation e
cross join lateral jsonb_array_elements(e.metrics -> 'differences') as difference
where e.collection_id = %(collection)s and e.generation_id = %(generation)s
  and difference ->> 'after' = (difference ->> 'before') || '+rerank'
order by e.at desc, e.id desc, difference ->> 'before' = 'hybrid' desc
limit 1;

-- name: list_evaluations
-- Runs without their questions, the latest first. A dataset is also meant by its name without the split.
select e.id, c.name as collection, e.dataset, e.asked, e.at, e.baseline, e.verdict, e.held, e.configuration,
       e.metrics #- '{answers,questions}' as metrics
from evaluation e
join collection c on c.id = e.collection_id
where (c.name = %(collection)s or %(hidden)s and starts_with(c.name, %(prefix)s))
  and (%(datasets)s::text[] is null or e.dataset = any(%(datasets)s) or split_part(e.dataset, ':', 1) = any(%(datasets)s))
  and (%(since)s::timestamptz is null or e.at >= %(since)s)
order by e.at desc, e.id desc
limit %(limit)s;

-- name: prune_evaluations
-- Runs from before a moment. Kept are the baselines that the next run would be held against: of each way to ask, the
-- latest; and the latest to the very questions that were asked since.
with measured as (
    select e.id, e.collection_id, e.dataset, e.asked, e.at, e.baseline, e.configuration ->> 'filter' as filter, way.mode
    from evaluation e
    join collection c on c.id = e.collection_id
    cross join lateral (
        select jsonb_object_keys(e.metrics -> 'modes') as mode
        union all
        select 'answers ' || (e.metrics -> 'answers' ->> 'mode') where e.metrics -> 'answers' ->> 'mode' is not null
    ) as way
    where (c.name = %(collection)s or %(hidden)s and starts_with(c.name, %(prefix)s))
      and (%(datasets)s::text[] is null or e.dataset = any(%(datasets)s)
           or split_part(e.dataset, ':', 1) = any(%(datasets)s))
), latest as (
    select distinct on (collection_id, dataset, filter, mode) id
    from measured where baseline
    order by collection_id, dataset, filter, mode, at desc, id desc
), latest_of_asked as (
    select distinct on (collection_id, dataset, asked, mode) id
    from measured m
    where baseline and exists (
        select from measured later
        where later.collection_id = m.collection_id and later.dataset = m.dataset and later.asked = m.asked
          and later.at >= %(before)s
    )
    order by collection_id, dataset, asked, mode, at desc, id desc
)
delete from evaluation
where id in (select id from measured) and at < %(before)s
  and id not in (select id from latest) and id not in (select id from latest_of_asked)
returning id;

-- name: evaluations_naming
-- Runs of a collection that hold any of some names, as JSON spells them.
select e.id
from evaluation e
where e.collection_id = %(collection)s and exists (
    select
    from (select e.per_query::text || e.metrics::text || e.configuration::text as whole offset 0) as spelt
    cross join unnest(%(names)s::text[]) as name
    where strpos(spelt.whole, btrim(to_jsonb(name)::text, '"')) > 0
)
order by e.id
for update;

-- name: rewrite_evaluation
-- What is left of a run without a document. One without a question guards nothing.
update evaluation
set configuration = %(configuration)s, metrics = %(metrics)s, per_query = %(per_query)s,
    baseline = baseline and %(guards)s
where id = %(id)s;
