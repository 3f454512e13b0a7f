module containers

go 1.24.0

require github.com/testcontainers/testcontainers-go v0.40.0
