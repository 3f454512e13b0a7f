// gock - what a request that gock answers takes: gock RULES COUNT, the mean in microseconds of COUNT requests,
// spread evenly over the rules; run by bench/parts/http.sh.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"gopkg.in/h2non/gock.v1"
)

func main() {
	rules, _ := strconv.Atoi(os.Args[1])
	count, _ := strconv.Atoi(os.Args[2])
	client := &http.Client{Transport: gock.DefaultTransport}

	for i := 0; i < rules; i++ {
		gock.New("http://api.test").Get(fmt.Sprintf("/p/%06d", i)).Persist().Reply(200).BodyString("ok")
	}
	gock.InterceptClient(client)
	begin := time.Now()
	for i := 0; i < count; i++ {
		response, err := client.Get(fmt.Sprintf("http://api.test/p/%06d", i*7919%rules))
		if err != nil {
			panic(err)
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if string(body) != "ok" {
			panic(string(body))
		}
	}
	fmt.Printf("%.3f\n", float64(time.Since(begin).Nanoseconds())/1e3/float64(count))
}
