INSERT INTO users (id, email) VALUES (100, 'seed@example.org');
