package pkg

import (
	"fmt"
	"testing"
)

func TestPasses(t *testing.T) {
	t.Log("fine")
}

func TestPrints(t *testing.T) {
	fmt.Println("printed")
	t.Log("two\nlines")
}

func TestFails(t *testing.T) {
	t.Error("wrong")
	t.Fatal("no further")
}

func TestSkips(t *testing.T) {
	t.Skip("not here")
}

func TestTree(t *testing.T) {
	t.Run("good one", func(t *testing.T) { t.Log("fine") })
	t.Run("good one", func(t *testing.T) {})
	t.Run("", func(t *testing.T) {})
	t.Run("skips", func(t *testing.T) { t.Skip("not here") })
	t.Run("bad", func(t *testing.T) { t.Error("wrong") })
	t.Run("deep", func(t *testing.T) {
		t.Run("deeper", func(t *testing.T) {
			t.Run("leaf", func(t *testing.T) { t.Error("rotten") })
		})
		t.Log("behind the subtest")
	})
	t.Log("behind all")
}

func TestGoodTree(t *testing.T) {
	t.Run("one", func(t *testing.T) {
		t.Run("leaf", func(t *testing.T) { fmt.Println("printed below") })
	})
	t.Run("two", func(t *testing.T) {})
}

func TestCleanup(t *testing.T) {
	t.Cleanup(func() { t.Log("last") })
	t.Cleanup(func() { t.Log("first") })
	t.Log("body")
}

func TestAttr(t *testing.T) {
	t.Attr("ticket", "4711")
}

func TestParallel(t *testing.T) {
	t.Run("waits", func(t *testing.T) {
		t.Parallel()
		t.Log("goes on")
	})
	t.Log("the parent has returned")
}
