// How long testcontainers-go takes until a server in a container answers: the peer of bench/parts/services.sh.
//
//	containers redis|postgres IMAGE COUNT
//
// Prints a line of milliseconds for each start, without the first one in the process. Redis is ready when it answers
// PING; PostgreSQL as the library's own module has it, when it has said so twice and its port is open.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/log"
	"github.com/testcontainers/testcontainers-go/wait"
)

type quiet struct{}

func (quiet) Printf(string, ...any) {}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "containers:", err)
	os.Exit(1)
}

func answers(address string) bool {
	connection, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return false
	}
	defer connection.Close()
	connection.SetDeadline(time.Now().Add(time.Second))
	fmt.Fprint(connection, "PING\r\n")
	answer := make([]byte, len("+PONG"))
	_, err = io.ReadFull(connection, answer)
	return err == nil && string(answer) == "+PONG"
}

func request(kind, image string) testcontainers.ContainerRequest {
	if kind == "redis" {
		return testcontainers.ContainerRequest{
			Image:        image,
			Cmd:          []string{"--save", "", "--appendonly", "no"},
			ExposedPorts: []string{"6379/tcp"},
			WaitingFor:   wait.ForLog("Ready to accept connections"),
		}
	}
	return testcontainers.ContainerRequest{
		Image:        image,
		Env:          map[string]string{"POSTGRES_PASSWORD": "secret"},
		Cmd:          []string{"postgres", "-c", "fsync=off"},
		ExposedPorts: []string{"5432/tcp"},
		WaitingFor: wait.ForAll(
			wait.ForLog("database system is ready to accept connections").WithOccurrence(2),
			wait.ForListeningPort("5432/tcp")),
	}
}

func once(kind, image string) time.Duration {
	ctx := context.Background()
	begin := time.Now()
	container, err := testcontainers.GenericContainer(ctx, testcontainers.GenericContainerRequest{
		ContainerRequest: request(kind, image), Started: true})
	if err != nil {
		fail(err)
	}
	address, err := container.Endpoint(ctx, "")
	if err != nil {
		fail(err)
	}
	for kind == "redis" && !answers(address) {
		time.Sleep(time.Millisecond)
	}
	took := time.Since(begin)
	if err := testcontainers.TerminateContainer(container, testcontainers.StopTimeout(0)); err != nil {
		fail(err)
	}
	return took
}

func main() {
	if len(os.Args) != 4 {
		fail(fmt.Errorf("usage: containers redis|postgres IMAGE COUNT"))
	}
	count, err := strconv.Atoi(os.Args[3])
	if err != nil {
		fail(err)
	}
	log.SetDefault(quiet{})
	once(os.Args[1], os.Args[2])
	for range count {
		fmt.Printf("%.3f\n", once(os.Args[1], os.Args[2]).Seconds()*1e3)
	}
}
