package ring

import (
	"math"
	"runtime"
	"testing"
	"testing/quick"
	"unsafe"

	"github.com/google/go-cmp/cmp"
)

func TestNewRoundsUp(t *testing.T) {
	tests := []struct{ capacity, want int }{
		{1, 1}, {2, 2}, {3, 4}, {480, 512}, {512, 512}, {513, 1024}, {MaxCapacity, MaxCapacity},
	}
	for _, tt := range tests {
		if got := New(tt.capacity).Cap(); got != tt.want {
			t.Errorf("New(%d).Cap() = %d, want %d", tt.capacity, got, tt.want)
		}
	}
}

func TestPanics(t *testing.T) {
	tests := []struct {
		name string
		do   func()
	}{
		{"no capacity", func() { New(0) }},
		{"too large", func() { New(MaxCapacity + 1) }},
		{"not a power of two", func() { Over(new(Indexes), make([]float32, 3)) }},
		{"no memory", func() { Over(new(Indexes), nil) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			tt.do()
		})
	}
}

// The C side of a ring counts on these offsets.
func TestLayout(t *testing.T) {
	var ix Indexes
	got := []uintptr{unsafe.Offsetof(ix.Written), unsafe.Offsetof(ix.Read), unsafe.Sizeof(ix)}
	if diff := cmp.Diff([]uintptr{0, cacheLine, 2 * cacheLine}, got); diff != "" {
		t.Errorf("offsets of Indexes (-want +got):\n%s", diff)
	}
}

func TestPartialMoves(t *testing.T) {
	r := New(4)
	if got := r.Write([]float32{1, 2, 3}); got != 3 {
		t.Errorf("Write of 3 into an empty ring of 4 = %d, want 3", got)
	}
	if got := r.Write([]float32{4, 5, 6}); got != 1 {
		t.Errorf("Write of 3 with room for 1 = %d, want 1", got)
	}
	if got := r.Free(); got != 0 {
		t.Errorf("Free() of a full ring = %d, want 0", got)
	}
	if got := r.Skip(1); got != 1 {
		t.Errorf("Skip(1) = %d, want 1", got)
	}
	dst := []float32{0, 0, 0, 0, 9}
	if got := r.Read(dst); got != 3 {
		t.Errorf("Read of 5 with 3 waiting = %d, want 3", got)
	}
	if diff := cmp.Diff([]float32{2, 3, 4, 0, 9}, dst); diff != "" {
		t.Errorf("Read (-want +got):\n%s", diff)
	}
	if got := r.Skip(-1) + r.Skip(10); got != 0 {
		t.Errorf("Skip of an empty ring = %d, want 0", got)
	}
}

// move drives a ring and a plain slice with the same steps and compares them.
// A step of b writes b samples when even, reads b when odd and not a multiple
// of 5, skips b otherwise.
func move(t *testing.T, start uint32, steps []byte) {
	t.Helper()
	ix := new(Indexes)
	ix.Written.Store(start)
	ix.Read.Store(start)
	r := Over(ix, make([]float32, 64))
	var model []float32
	next := float32(0)
	for i, b := range steps {
		switch n := int(b); {
		case n%2 == 0:
			src := make([]float32, n)
			for j := range src {
				src[j] = next + float32(j)
			}
			got, want := r.Write(src), min(n, 64-len(model))
			if got != want {
				t.Fatalf("step %d: Write of %d = %d, want %d", i, n, got, want)
			}
			model = append(model, src[:got]...)
			next += float32(got)
		case n%5 == 0:
			got, want := r.Skip(n), min(n, len(model))
			if got != want {
				t.Fatalf("step %d: Skip(%d) = %d, want %d", i, n, got, want)
			}
			model = model[want:]
		default:
			dst := make([]float32, n)
			got, want := r.Read(dst), min(n, len(model))
			if got != want {
				t.Fatalf("step %d: Read of %d = %d, want %d", i, n, got, want)
			}
			if diff := cmp.Diff(append([]float32{}, model[:want]...), dst[:got]); diff != "" {
				t.Fatalf("step %d: Read (-want +got):\n%s", i, diff)
			}
			model = model[want:]
		}
		if got := r.Len(); got != len(model) {
			t.Fatalf("step %d: Len() = %d, want %d", i, got, len(model))
		}
	}
}

func TestBehavesLikeASlice(t *testing.T) {
	check := func(start uint32, steps []byte) bool {
		move(t, start, steps)
		return !t.Failed()
	}
	if err := quick.Check(check, &quick.Config{MaxCount: 500}); err != nil {
		t.Error(err)
	}
}

func FuzzMoves(f *testing.F) {
	f.Add(uint32(0), []byte{64, 63, 2, 3, 255, 254})
	f.Add(uint32(math.MaxUint32-5), []byte{10, 9, 64, 5, 64, 7}) // the indexes wrap
	f.Fuzz(func(t *testing.T, start uint32, steps []byte) {
		if len(steps) > 1000 {
			steps = steps[:1000]
		}
		move(t, start, steps)
	})
}

// Two goroutines, odd block sizes, indexes about to wrap: every sample must
// come out once and in order. Run with -race this also proves that the atomics
// order the copies.
func TestTwoThreads(t *testing.T) {
	const total = 300_000
	ix := new(Indexes)
	ix.Written.Store(math.MaxUint32 - 1000)
	ix.Read.Store(math.MaxUint32 - 1000)
	r := Over(ix, make([]float32, 128))
	go func() {
		src := make([]float32, 37)
		for sent := 0; sent < total; {
			n := min(len(src), total-sent)
			for i := range n {
				src[i] = float32(sent + i)
			}
			for done := 0; done < n; {
				m := r.Write(src[done:n])
				if done += m; m == 0 {
					runtime.Gosched()
				}
			}
			sent += n
		}
	}()
	dst := make([]float32, 53)
	for got := 0; got < total; {
		n := r.Read(dst)
		if n == 0 {
			runtime.Gosched()
		}
		for i, v := range dst[:n] {
			if v != float32(got+i) {
				t.Fatalf("sample %d = %v, want %v", got+i, v, got+i)
			}
		}
		got += n
	}
}

func TestDoesNotAllocate(t *testing.T) {
	r := New(1024)
	frame := make([]float32, 480)
	got := testing.AllocsPerRun(100, func() {
		r.Write(frame)
		r.Read(frame)
	})
	if got != 0 {
		t.Errorf("allocations per Write and Read = %v, want 0", got)
	}
}

func BenchmarkFrame(b *testing.B) {
	r := New(1024)
	frame := make([]float32, 480)
	for b.Loop() {
		r.Write(frame)
		r.Read(frame)
	}
}
