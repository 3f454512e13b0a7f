-- Events that wait for their announcement: put in with what they tell, taken out when somebody has them.
CREATE TABLE outbox (
    position    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id          text NOT NULL UNIQUE CHECK (octet_length(id) BETWEEN 1 AND 63),
    routing_key text NOT NULL CHECK (octet_length(routing_key) BETWEEN 1 AND 31),
    body        json NOT NULL CHECK (octet_length(body::text) <= 255)
);
