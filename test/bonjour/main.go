// Command bonjour publishes and looks for services on the local network with
// Parley's own engine, for tests that set it among other responders. It obeys
// commands, one in a line of JSON each, and tells what happens in the same way. At
// the end of its input, or asked to end, it takes back what it published.
//
//	{"do": "publish", "name": "Anna", "type": "_sipuri._udp", "port": 5060, "text": ["a=b"]}
//	{"do": "withdraw", "name": "Anna", "type": "_sipuri._udp"}
//	{"do": "update", "name": "Anna", "type": "_sipuri._udp", "text": ["a=c"]}
//	{"do": "browse", "type": "_sipuri._udp"}
//	{"do": "look"}
//	{"do": "status"}
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"parley/bonjour"
)

// A command is what a line of the input asks for.
type command struct {
	Do, Name, Type string
	Port           uint16
	Text           []string
}

// An event is a line of the output: "found", "changed" and "lost" of an instance,
// "publication" of a service of ours, "status" of the engine, "error" of a command.
type event struct {
	Event    string            `json:"event"`
	At       time.Time         `json:"at"`
	Instance *bonjour.Instance `json:"instance,omitempty"`
	Wanted   string            `json:"wanted,omitempty"` // name that was asked for
	Type     string            `json:"type,omitempty"`
	Name     string            `json:"name,omitempty"` // in use
	State    string            `json:"state,omitempty"`
	Links    []string          `json:"links,omitempty"`
	Error    string            `json:"error,omitempty"`
}

func main() {
	host := flag.String("host", "bonjour-test", "the first label of the host `name`")
	ttl := flag.Duration("ttl", 0, "cut the life of all records to this (default: leave it)")
	flag.Parse()
	ended, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	run(ended, *host, mortal{bonjour.SystemNetwork(), *ttl}, os.Stdin, os.Stdout)
}

// run obeys until the input or the context ends.
func run(ended context.Context, host string, network bonjour.Network, in io.Reader, out io.Writer) {
	p := &program{out: json.NewEncoder(out), services: map[string]*service{}}
	p.engine = bonjour.New(bonjour.Config{
		Host: host, Network: network, OnStatus: p.status,
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	lines := make(chan string)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(in); s.Scan(); {
			lines <- s.Text()
		}
	}()
	for open := true; open; {
		var line string
		select {
		case line, open = <-lines:
			if open {
				p.obey(line)
			}
		case <-ended.Done():
			open = false
		}
	}
	bounded, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	p.engine.Close(bounded)
}

// A program is what runs.
type program struct {
	engine   *bonjour.Engine
	services map[string]*service // by name and type

	mu  sync.Mutex // guards out
	out *json.Encoder
}

// A service is one that is published.
type service struct {
	*bonjour.Publication

	mu   sync.Mutex // guards text
	text []string
}

func (s *service) get(bonjour.Link) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text
}

func (s *service) set(text []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text = text
}

func (p *program) tell(e event) {
	e.At = time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	// Without a reader there is nobody to tell.
	_ = p.out.Encode(e)
}

// obey does what a line asks for.
func (p *program) obey(line string) {
	var c command
	err := json.Unmarshal([]byte(line), &c)
	if err == nil {
		err = p.do(c)
	}
	if err != nil {
		p.tell(event{Event: "error", Error: err.Error()})
	}
}

func (p *program) do(c command) (err error) {
	s := p.services[c.Name+" "+c.Type]
	switch {
	case c.Do == "publish" && s == nil:
		s = &service{text: c.Text}
		s.Publication, err = p.engine.Publish(bonjour.Service{Name: c.Name, Type: c.Type, Port: c.Port, Text: s.get}, func(e bonjour.PublicationEvent) { p.published(c, e) })
		if err == nil {
			p.services[c.Name+" "+c.Type] = s
		}
		return err
	case c.Do == "withdraw" && s != nil:
		s.Withdraw()
		delete(p.services, c.Name+" "+c.Type)
	case c.Do == "update" && s != nil:
		s.set(c.Text)
		s.Update()
	case c.Do == "browse":
		_, err = p.engine.Browse(c.Type, p.found)
	case c.Do == "status":
		p.status(p.engine.Status())
	case c.Do == "look":
		p.engine.LinksChanged()
	default:
		err = fmt.Errorf("cannot %q %q of %q", c.Do, c.Name, c.Type)
	}
	return err
}

func (p *program) published(c command, e bonjour.PublicationEvent) {
	state := "probing"
	if e.State == bonjour.Announced {
		state = "announced"
	}
	p.tell(event{Event: "publication", Wanted: c.Name, Type: c.Type, Name: e.Name, State: state, Error: text(e.Err)})
}

func (p *program) found(e bonjour.Event) {
	kinds := map[bonjour.EventKind]string{bonjour.Found: "found", bonjour.Changed: "changed", bonjour.Lost: "lost"}
	p.tell(event{Event: kinds[e.Kind], Instance: &e.Instance})
}

func (p *program) status(s bonjour.Status) {
	e := event{Event: "status", Error: text(s.Err)}
	for _, l := range s.Links {
		e.Links = append(e.Links, l.Name)
	}
	p.tell(e)
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
