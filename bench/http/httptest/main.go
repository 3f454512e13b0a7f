// httptest - what net/http/httptest takes for what bench/http/http_test.c does; run by bench/parts/http.sh.
//
//	httptest start-close|get|keep-alive|tls-get COUNT    the median of so many, in microseconds
//	httptest serve                                       print a URL and answer there until standard input ends
package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"sort"
	"strconv"
	"time"
)

var hello = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	io.WriteString(w, "hello")
})

func get(server *httptest.Server) {
	response, err := server.Client().Get(server.URL)
	if err != nil {
		panic(err)
	}
	body, _ := io.ReadAll(response.Body)
	response.Body.Close()
	if string(body) != "hello" {
		panic(string(body))
	}
}

// median of count calls, after a tenth as many that are not noted.
func median(count int, call func()) {
	took := make([]time.Duration, count)
	for i := 0; i < count/10+1; i++ {
		call()
	}
	for i := range took {
		begin := time.Now()
		call()
		took[i] = time.Since(begin)
	}
	sort.Slice(took, func(i, j int) bool { return took[i] < took[j] })
	fmt.Printf("%.3f\n", float64(took[count/2].Nanoseconds())/1e3)
}

func serve() {
	server := httptest.NewServer(hello)
	fmt.Println(server.URL)
	io.Copy(io.Discard, os.Stdin)
	server.Close()
}

func main() {
	count := 1
	if len(os.Args) > 2 {
		count, _ = strconv.Atoi(os.Args[2])
	}
	switch os.Args[1] {
	case "start-close":
		median(count, func() { httptest.NewServer(hello).Close() })
	case "get":
		median(count, func() { server := httptest.NewServer(hello); get(server); server.Close() })
	case "keep-alive":
		server := httptest.NewServer(hello)
		median(count, func() { get(server) })
		server.Close()
	case "tls-get":
		median(count, func() { server := httptest.NewTLSServer(hello); get(server); server.Close() })
	case "serve":
		serve()
	}
}
