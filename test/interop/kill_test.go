package interop

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"parley/media/wav"
	"parley/storage"
)

// TestKilled kills the program at random moments, while calls start, end and are
// recorded and contacts and settings change, and starts it again: what it has
// told through its API is there, and every recording plays.
func TestKilled(t *testing.T) {
	kills := 100
	if testing.Short() {
		kills = 8
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := &killed{
		p: newPhone(t, nil, phoneConfig{Args: []string{"--log-level", "warn"}}), random: rand.New(rand.NewPCG(seed, 1)),
		names: map[string]int{}, gone: map[string]bool{}, asked: map[string]bool{}, played: map[string]bool{},
	}
	for n := range kills {
		r.live(t, n)
		if t.Failed() {
			t.Fatalf("after kill %d of %d, seed %d", n+1, kills, seed)
		}
	}
	r.start(t)
	r.verify(t)
	r.proc.stop()
	t.Logf("%d calls, %d incoming, %d answered, %d recordings, %d contacts and the value %d of a setting were told of", r.calls, r.incoming, r.answered, r.recorded, len(r.names), r.setting)
	if r.incoming == 0 || r.answered == 0 || r.recorded == 0 || len(r.names) == 0 || r.setting == 0 {
		t.Error("too little has happened to prove anything")
	}
}

// killed is a program that is killed again and again, and what it has told.
type killed struct {
	p      *phone
	random *rand.Rand
	proc   *process
	api    *api
	port   string
	count  int // of names and values, so that later ones are larger

	told    map[string]map[string]string // of the last life: by call, the newest value of each property
	names   map[string]int               // the number in the name of each contact, as told last
	gone    map[string]bool              // contacts told to be deleted
	asked   map[string]bool              // contacts whose deletion was asked for
	setting int                          // the newest value told

	played map[string]bool // recordings that were read

	calls, incoming, answered, recorded int
}

// start starts the program and connects to it.
func (r *killed) start(t *testing.T) {
	t.Helper()
	proc, err := start("phone-killed", r.p.dir, r.p.binary, r.p.args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proc.stop)
	r.proc, r.api = proc, dialAPI(t, proc, r.p.socket())
}

// live is one life of the program: it begins with looking whether all is there
// that was told in the last one, and ends with a kill.
func (r *killed) live(t *testing.T, n int) {
	t.Helper()
	r.start(t)
	if n == 0 {
		r.api.do(t, "SET SETTING calls.direct_calls TRUE")
		r.port = strings.TrimSpace(strings.TrimPrefix(r.api.do(t, "GET SETTING network.port"), "SETTING network.port"))
	}
	r.verify(t)
	life := time.Duration(10+r.random.IntN(700)) * time.Millisecond
	end := time.AfterFunc(life, func() { _ = r.proc.cmd.Process.Kill() })
	defer end.Stop()
	for r.proc.running() && !t.Failed() {
		r.act()
	}
	<-r.proc.done
	r.readTold(t)
	r.checkProfile(t, r.p.profile)
}

// act gives one command, whichever way it ends: the program may be gone.
func (r *killed) act() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	try := func(format string, args ...any) { _, _ = r.api.client.Do(ctx, fmt.Sprintf(format, args...)) }
	r.count++
	call, contact := r.pick(`CALL \d+ STATUS .*`), r.pick(`CONTACT \d+ NAME .*`)
	switch r.random.IntN(12) {
	case 0, 1:
		try("CALL echo")
	case 2:
		try("CALL sip:me@%s:%s", loopback, r.port)
	case 3, 4:
		try("ALTER CALL %s ANSWER", call)
	case 5, 6:
		try("ALTER CALL %s RECORD", call)
	case 7:
		try("ALTER CALL %s HANGUP", call)
	case 8:
		try(`CREATE CONTACT name="Name %d" addresses=%d@example.org`, r.count, r.count)
	case 9:
		try("SET CONTACT %s NAME Name %d", contact, r.count)
	case 10:
		if r.count%4 == 0 {
			r.asked[contact] = true
			try("DELETE CONTACT %s", contact)
		}
	case 11:
		try("SET SETTING calls.ring_timeout %d", 5+r.count)
	}
	time.Sleep(time.Duration(r.random.IntN(20)) * time.Millisecond)
}

// pick returns the id in one of the notifications that match.
func (r *killed) pick(pattern string) string {
	notes := r.api.notifications(pattern)
	if len(notes) == 0 {
		return "0"
	}
	return strings.Fields(notes[max(0, len(notes)-1-r.random.IntN(4))])[1]
}

// readTold takes in what the program has told in this life.
func (r *killed) readTold(t *testing.T) {
	t.Helper()
	// What was sent before the end is still to be read.
	seen := -1
	for now := len(r.api.notifications(".*")); now != seen; now = len(r.api.notifications(".*")) {
		seen = now
		time.Sleep(20 * time.Millisecond)
	}
	r.told = map[string]map[string]string{}
	for _, note := range r.api.notifications(".*") {
		f := strings.SplitN(note, " ", 4)
		switch {
		case len(f) == 4 && f[0] == "CALL":
			if r.told[f[1]] == nil {
				r.told[f[1]] = map[string]string{}
			}
			r.told[f[1]][f[2]] = f[3]
			if f[3] == "INPROGRESS" {
				r.told[f[1]]["ANSWERED"] = "yes"
			}
		case len(f) == 4 && f[0] == "CONTACT" && f[2] == "NAME":
			n, err := strconv.Atoi(strings.TrimPrefix(f[3], "Name "))
			if err != nil {
				t.Errorf("a contact is called %q", f[3])
			}
			r.names[f[1]] = n
		case len(f) == 3 && f[0] == "DELETED" && f[1] == "CONTACT":
			delete(r.names, f[2])
			r.gone[f[2]] = true
		case len(f) == 3 && f[0] == "SETTING" && f[1] == "calls.ring_timeout":
			r.setting, _ = strconv.Atoi(f[2])
		}
	}
}

// verify compares what the program says now with what it told before it was
// killed. What it had done and not yet told may be there or not.
func (r *killed) verify(t *testing.T) {
	t.Helper()
	for id, told := range r.told {
		r.calls++
		if told["CONF_ID"] != "" {
			r.incoming++
		}
		status := r.api.get(t, "CALL "+id+" STATUS")
		if over := []string{"FINISHED", "MISSED", "REFUSED", "BUSY", "CANCELLED", "FAILED"}; !slices.Contains(over, status) {
			t.Errorf("call %s, which was %v, is %q now", id, told, status)
		} else if slices.Contains(over, told["STATUS"]) && status != told["STATUS"] {
			t.Errorf("call %s has ended as %q, it had as %v", id, status, told)
		}
		if told["ANSWERED"] != "" {
			r.answered++
			if status != "FINISHED" {
				t.Errorf("call %s, which was answered, is %q now", id, status)
			}
		}
		if file := told["RECORDING"]; file != "" {
			r.recorded++
			if got := r.api.get(t, "CALL "+id+" RECORDING"); got != file {
				t.Errorf("the recording of call %s is %q, it was %q", id, got, file)
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("a recording is gone: %v", err)
			}
		}
	}
	for id, n := range r.names {
		name, err := r.api.try(t, "GET CONTACT %s NAME", id)
		if err != nil && r.asked[id] { // it was done and not told
			delete(r.names, id)
			continue
		}
		now, _ := strconv.Atoi(strings.TrimPrefix(name, "CONTACT "+id+" NAME Name "))
		if now < n {
			t.Errorf("contact %s, told as number %d, is %q, %v", id, n, name, err)
		}
	}
	for id := range r.gone {
		if name, err := r.api.try(t, "GET CONTACT %s NAME", id); err == nil {
			t.Errorf("the deleted contact %s is there: %q", id, name)
		}
		delete(r.gone, id)
	}
	if got, _ := strconv.Atoi(r.api.get(t, "SETTING calls.ring_timeout")); r.setting != 0 && got < r.setting {
		t.Errorf("the setting is %d, it was told as %d", got, r.setting)
	}
}

// checkProfile looks at the files of a program that was killed.
func (r *killed) checkProfile(t *testing.T, dir string) {
	t.Helper()
	p, err := storage.Open(dir, storage.Options{Secrets: storage.SecretsFile})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if problems := p.Problems(); len(problems) > 0 {
		t.Errorf("the profile has problems: %v", problems)
	}
	db, err := sql.Open("sqlite", filepath.Join(dir, "parley.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, check := range []string{"PRAGMA integrity_check", "INSERT INTO calls_text (calls_text) VALUES ('integrity-check') RETURNING 'ok'"} {
		verdict := "ok"
		if err := db.QueryRow(check).Scan(&verdict); err != nil && !errors.Is(err, sql.ErrNoRows) || verdict != "ok" {
			t.Errorf("%s: %q, %v", check, verdict, err)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "recordings", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if r.played[f] {
			continue
		}
		r.played[f] = true
		if err := plays(f); err != nil {
			t.Errorf("%s does not play: %v", filepath.Base(f), err)
		}
	}
}

// plays reads a recording to its end.
func plays(path string) error {
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		return err // it was made at the last moment and was not told of
	}
	r, err := wav.Open(path)
	if err != nil {
		return err
	}
	defer r.Close()
	var frames int64
	buf := make([]float32, 4800*r.Format().Channels)
	for {
		n, err := r.Read(buf)
		frames += int64(n / r.Format().Channels)
		if errors.Is(err, io.EOF) || err == nil && n == 0 {
			break
		}
		if err != nil {
			return err
		}
	}
	if frames != r.Frames() {
		return fmt.Errorf("its header tells of %d samples, there are %d", r.Frames(), frames)
	}
	return nil
}
