-- What the clicks of a study come to, for each connection; {criteria} is how many are judged.
-- the last value of each field
create temp view said as
    select id, card, rater, role, field, value, field not in ('difficult', 'comment') as judges,
        field = 'difficult' and value = 'true' as hard
    from clicks join raters using (rater)
    where id in (select max(id) from clicks group by rater, card, field);
-- cards that somebody is done with: all is judged, or a rater leaves it to the senior
create temp view done as
    select card, rater, role from said group by card, rater, role
    having sum(judges) = {criteria} or (role = 'rater' and sum(hard));
-- cards for the senior: all raters are done, and differ or one finds it difficult
create temp view due as
    select card from said where role = 'rater'
        and card in (select card from orders join raters using (rater) where role = 'senior')
        and card in (select card from done where role = 'rater' group by card
            having count(*) = (select count(*) from raters where role = 'rater'))
    group by card having sum(hard)
        or count(distinct iif(judges, field || value, null)) > {criteria};
-- cards that the senior has begun to decide: the raters' verdicts there stand
create temp view settled as
    select distinct raters.rater, card from said, raters where said.role = 'senior' and judges
        and card in due and raters.role = 'rater';
-- who is shown what: raters all, the senior what is due, and what was begun
create temp view asked as
    select rater, card, place from orders join raters using (rater)
    where role = 'rater' or card in due
        or (rater, card) in (select rater, card from clicks);
create temp view progress as
    select rater, role, count(card) as cards, count(done.card) as complete,
        count(card) - count(done.card) as left,
        (select coalesce(sum(hard), 0) from said where said.rater = raters.rater) as difficult,
        (select max(at) from clicks where clicks.rater = raters.rater) as last
    from raters left join asked using (rater) left join done using (rater, card, role)
    group by rater order by raters.rowid;
create temp view votes as
    select card, field as criterion, rater, role, json_extract(value, '$') as verdict
    from said where judges order by id;
create temp view marks as
    select card, rater, role, max(hard) as difficult,
        coalesce(max(iif(field = 'comment', json_extract(value, '$'), null)), '') as comment
    from said group by card, rater, role;
