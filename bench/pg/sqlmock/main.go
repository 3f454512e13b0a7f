// sqlmock - what an expected query takes with go-sqlmock: sqlmock COUNT, the mean in microseconds of COUNT queries
// that are declared, run and read in one test; run by bench/parts/pg.sh.
package main

import (
	"fmt"
	"os"
	"regexp"
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

func main() {
	count, _ := strconv.Atoi(os.Args[1])
	pattern := regexp.QuoteMeta(query)
	db, mock, err := sqlmock.New()
	check(err)
	begin := time.Now()
	for i := 0; i < count; i++ {
		var id int
		var name string

		mock.ExpectQuery(pattern).WithArgs(i).WillReturnRows(
			sqlmock.NewRows([]string{"id", "name"}).AddRow(7, "Gopher"))
		check(db.QueryRow(query, i).Scan(&id, &name))
	}
	check(mock.ExpectationsWereMet())
	fmt.Printf("%.3f\n", float64(time.Since(begin).Nanoseconds())/1e3/float64(count))
}
