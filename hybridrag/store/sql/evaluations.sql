-- What was measured of collections.

-- name: insert_evaluation
insert into evaluation (collection_id, generation_id, dataset, asked, at, configuration, metrics, per_query)
values (%(collection)s, %(generation)s, %(dataset)s, %(asked)s, %(at)s, %(configuration)s, %(metrics)s,
        %(per_query)s)
returning id;

-- name: make_baseline
update evaluation set baseline = true where id = %(id)s;

-- name: find_evaluation
select e.id, e.configuration, e.metrics, e.per_query
from evaluation e
where e.id = %(id)s;

-- name: latest_evaluation
-- The latest baseline that asked the same in the same mode.
select e.id, e.configuration, e.metrics, e.per_query
from evaluation e
where e.collection_id = %(collection)s and e.dataset = %(dataset)s and e.asked = %(asked)s
  and jsonb_exists(e.metrics -> 'modes', %(mode)s) and e.baseline
order by e.at desc, e.id desc
limit 1;

-- name: latest_answers
-- The latest baseline whose answers were to the same questions, by a provider or without one.
select e.id, e.configuration, e.metrics, e.per_query
from evaluation e
where e.collection_id = %(collection)s and e.dataset = %(dataset)s
  and e.metrics -> 'answers' ->> 'asked' = %(asked)s and e.metrics -> 'answers' ->> 'mode' = %(mode)s and e.baseline
order by e.at desc, e.id desc
limit 1;

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
