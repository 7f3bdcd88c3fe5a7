package mailbox_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/internal/leaktest"
	"parley/internal/mailbox"
)

func TestTakeReturnsAllInOrder(t *testing.T) {
	q := mailbox.New[int]()
	for i := range 5 {
		q.Put(i)
	}
	if got, want := q.Len(), 5; got != want {
		t.Errorf("Len() = %d, want %d", got, want)
	}
	got, err := q.Take(t.Context())
	if err != nil {
		t.Fatalf("Take() error = %v, want nil", err)
	}
	if diff := cmp.Diff([]int{0, 1, 2, 3, 4}, got); diff != "" {
		t.Errorf("Take() (-want +got):\n%s", diff)
	}
	if got := q.TryTake(); got != nil {
		t.Errorf("TryTake() after Take() = %v, want nil", got)
	}
}

func TestTakeWaitsForTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := mailbox.New[string]()
		start := time.Now()
		go func() {
			time.Sleep(3 * time.Second)
			q.Put("late")
		}()
		got, err := q.Take(t.Context())
		if err != nil {
			t.Fatalf("Take() error = %v, want nil", err)
		}
		if diff := cmp.Diff([]string{"late"}, got); diff != "" {
			t.Errorf("Take() (-want +got):\n%s", diff)
		}
		if got, want := time.Since(start), 3*time.Second; got != want {
			t.Errorf("Take() waited %v, want %v", got, want)
		}
	})
}

func TestTakeEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := mailbox.New[int]()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := q.Take(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Take(expired context) error = %v, want %v", err, context.DeadlineExceeded)
		}
		q.Put(7)
		if got, err := q.Take(ctx); err != nil || len(got) != 1 {
			t.Errorf("Take(expired context) of a filled queue = %v, %v, want [7], nil", got, err)
		}
	})
}

func TestCloseWakesEveryTaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := mailbox.New[int]()
		const takers = 3
		errs := make(chan error, takers)
		for range takers {
			go func() {
				_, err := q.Take(t.Context())
				errs <- err
			}()
		}
		synctest.Wait()
		q.Close()
		q.Close()
		for range takers {
			if err := <-errs; !errors.Is(err, mailbox.ErrClosed) {
				t.Errorf("Take() of a closed queue error = %v, want %v", err, mailbox.ErrClosed)
			}
		}
	})
}

func TestCloseKeepsWhatIsQueued(t *testing.T) {
	q := mailbox.New[int]()
	q.Put(1)
	q.Close()
	q.Put(2)
	got, err := q.Take(t.Context())
	if err != nil {
		t.Fatalf("Take() error = %v, want nil", err)
	}
	if diff := cmp.Diff([]int{1}, got); diff != "" {
		t.Errorf("Take() (-want +got):\n%s", diff)
	}
	if _, err := q.Take(t.Context()); !errors.Is(err, mailbox.ErrClosed) {
		t.Errorf("second Take() error = %v, want %v", err, mailbox.ErrClosed)
	}
}

func TestTakenSliceBelongsToTheTaker(t *testing.T) {
	q := mailbox.New[int]()
	q.Put(1)
	first := q.TryTake()
	q.Put(2)
	if got, want := first[0], 1; got != want {
		t.Errorf("first batch after a second Put holds %d, want %d", got, want)
	}
}

func TestManyPuttersLoseNothing(t *testing.T) {
	leaktest.Check(t)
	q := mailbox.New[int]()
	const putters, each = 8, 500
	var wg sync.WaitGroup
	for p := range putters {
		wg.Go(func() {
			for i := range each {
				q.Put(p*each + i)
			}
		})
	}
	go func() {
		wg.Wait()
		q.Close()
	}()

	last := make([]int, putters) // highest value seen of each putter, plus one
	total := 0
	for {
		batch, err := q.Take(t.Context())
		if err != nil {
			break
		}
		for _, v := range batch {
			if p := v / each; v+1 <= last[p] {
				t.Fatalf("value %d came after %d", v, last[p]-1)
			}
			last[v/each] = v + 1
			total++
		}
	}
	if want := putters * each; total != want {
		t.Errorf("took %d values, want %d", total, want)
	}
}
