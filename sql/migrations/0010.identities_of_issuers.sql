-- People by the address that an issuer has verified, for the login role before it enters.
-- depends: 0007.hashed_grants

-- The person with an address, as users_email finds them: A to Z in either case. Other letters count as they are, because
-- some of them have one of ours as their small letter (the Kelvin sign has k): another address, and another person's.
create function app.user_of_email(in_email text) returns uuid
  language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select u.id
    from users u
   where lower(u.email) = lower(in_email)
     and lower(u.email collate "C") = lower(in_email collate "C")
$$;

revoke all on function app.user_of_email(text) from public;
grant execute on function app.user_of_email(text) to gateway;
