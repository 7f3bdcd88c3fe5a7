package scripting

import "sync"

// maxOutbox bounds what waits for a client to be read, in bytes.
const maxOutbox = 1 << 20

// An outbox is what waits to be written to one client. Putting never blocks; a
// client that does not read overflows it.
//
// While a command is carried out, other lines wait for its reply.
type outbox struct {
	ready chan struct{} // capacity 1: there may be something to take

	mu      sync.Mutex // guards what follows
	lines   []byte     // to be written now
	held    []byte     // to be written after the reply
	writing int        // bytes taken and not written yet
	holding bool
	full    bool // has overflowed; nothing more is taken in
	done    bool // nothing more will be put in
}

func newOutbox() *outbox { return &outbox{ready: make(chan struct{}, 1)} }

// hold makes all lines but the reply wait for [outbox.reply].
func (o *outbox) hold() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.holding = true
}

// put queues a line, and reports whether there was room.
func (o *outbox) put(line string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.roomLocked(line) {
		return false
	}
	if o.holding {
		o.held = append(o.held, line...)
		return true
	}
	o.lines = append(o.lines, line...)
	o.wakeLocked()
	return true
}

// reply queues the line that was waited for, and what was held back behind it.
func (o *outbox) reply(line string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.roomLocked(line) {
		return false
	}
	o.lines = append(append(o.lines, line...), o.held...)
	o.held, o.holding = nil, false
	o.wakeLocked()
	return true
}

func (o *outbox) roomLocked(line string) bool {
	if o.done || o.full {
		return false
	}
	o.full = len(o.lines)+len(o.held)+o.writing+len(line) > maxOutbox
	return !o.full
}

// finish says that nothing more will be put in.
func (o *outbox) finish() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.done = true
	o.wakeLocked()
}

func (o *outbox) wakeLocked() {
	select {
	case o.ready <- struct{}{}:
	default: // the writer has been told already
	}
}

// take returns all that is to be written, after the last take's was, and
// whether it is the end. It blocks until there is something.
func (o *outbox) take() (lines []byte, last bool) {
	for {
		o.mu.Lock()
		lines, last = o.lines, o.done
		o.lines, o.writing = nil, len(lines)
		o.mu.Unlock()
		if len(lines) > 0 || last {
			return lines, last
		}
		<-o.ready
	}
}
