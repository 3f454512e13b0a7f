// sqlmock - what an expected query takes with go-sqlmock: sqlmock COUNT, microseconds for each of COUNT queries that
// are declared, run and read in one test, as bench/typical.h has it; run by bench/parts/pg.sh.
package main

import (
	"fmt"
	"os"
	"regexp"
	"sort"
	"strconv"
	"time"

	"github.com/DATA-DOG/go-sqlmock"
)

const query = "SELECT id, name FROM users WHERE id = $1"

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// The median of the means of each fifty.
func typical(us []float64) float64 {
	size := 50
	if len(us) < size {
		size = 1
	}
	var means []float64
	for ; len(us) >= size; us = us[size:] {
		sum := 0.0
		for _, one := range us[:size] {
			sum += one
		}
		means = append(means, sum/float64(size))
	}
	sort.Float64s(means)
	return means[len(means)/2]
}

func main() {
	count, _ := strconv.Atoi(os.Args[1])
	pattern := regexp.QuoteMeta(query)
	db, mock, err := sqlmock.New()
	check(err)
	us := make([]float64, count)
	for i := 0; i < count; i++ {
		var id int
		var name string
		begin := time.Now()

		mock.ExpectQuery(pattern).WithArgs(i).WillReturnRows(
			sqlmock.NewRows([]string{"id", "name"}).AddRow(7, "Gopher"))
		check(db.QueryRow(query, i).Scan(&id, &name))
		us[i] = float64(time.Since(begin).Nanoseconds()) / 1e3
	}
	check(mock.ExpectationsWereMet())
	fmt.Printf("%.3f\n", typical(us))
}
