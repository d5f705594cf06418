-- The event partitions of this month and the next three; run after every migration and, by hand or cron, each month.
select app.make_event_partitions(now()::date, (now() + interval '3 months')::date);
