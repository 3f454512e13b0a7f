CREATE TABLE customers (id int PRIMARY KEY, name text);
CREATE TABLE orders (
    id int PRIMARY KEY,
    customer int CONSTRAINT orders_customer REFERENCES customers,
    cents int CONSTRAINT orders_cents CHECK (cents > 0),
    name varchar(5) NOT NULL,
    during int4range,
    price numeric(4,2),
    CONSTRAINT orders_during EXCLUDE USING gist (during WITH &&));
CREATE TABLE tree (id int PRIMARY KEY, up int CONSTRAINT tree_up REFERENCES tree);
CREATE SCHEMA shop;
CREATE TABLE shop.items (id int CONSTRAINT items_id PRIMARY KEY);
CREATE DOMAIN positive AS int CONSTRAINT positive_is CHECK (value > 0);
CREATE DOMAIN given AS int NOT NULL;

INSERT INTO customers VALUES (1, 'ada');
INSERT INTO shop.items VALUES (1);
INSERT INTO tree VALUES (1, NULL), (2, 1);
INSERT INTO orders VALUES (1, 1, 1, 'x', '[1,5)', 1);
