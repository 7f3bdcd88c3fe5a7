package interop

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	fynetheme "fyne.io/fyne/v2/theme"

	"parley/storage"
)

// pictureDomain is where the people in the pictures have their accounts.
const pictureDomain = "example.org"

// TestPictures takes the pictures of docs/pictures anew, if PARLEY_PICTURES names
// that folder: the main window in a call and on a local network, light and dark.
func TestPictures(t *testing.T) {
	dir := os.Getenv("PARLEY_PICTURES")
	if dir == "" {
		t.Skip("PARLEY_PICTURES names no folder for pictures")
	}
	if !filepath.IsAbs(dir) {
		t.Fatalf("PARLEY_PICTURES = %s, want an absolute path", dir)
	}
	d := startDesk(t)
	k := ownRegistrar(t, kamailioConfig{Domain: pictureDomain})
	for _, mode := range []string{storage.ThemeLight, storage.ThemeDark} {
		t.Run(mode, func(t *testing.T) { takePicture(t, d, k, mode, filepath.Join(dir, "main-"+mode+".png")) })
		t.Run("lan "+mode, func(t *testing.T) { takeLANPicture(t, d, mode, filepath.Join(dir, "lan-"+mode+".png")) })
	}
}

// takeLANPicture shows Alice who else is on her local network. She knows Anna from
// an earlier call.
func takeLANPicture(t *testing.T, d *desk, mode, file string) {
	l := newLAN(t)
	alice := newPhone(t, nil, phoneConfig{Host: l.host(t, "office"), Name: "Alice Liddell", Args: []string{"--audio-alert", "null"}})
	alice.args = slices.DeleteFunc(alice.args, func(a string) bool { return a == "--headless" })
	alice.change(t, func(s *storage.Settings) { s.General.Theme = mode })
	var others []*phone
	for _, who := range []struct {
		host, name, note, status string
	}{
		{"annas-laptop", "Anna Meyer", "", "ONLINE"}, {"workshop", "Bob Miller", "Back at three", "AWAY"}, {"davids-desk", "David Okafor", "In a meeting", "DND"},
	} {
		p := newPhone(t, nil, phoneConfig{Host: l.host(t, who.host), Name: who.name})
		p.change(t, func(s *storage.Settings) { s.Bonjour.Note = who.note })
		p.run(t)
		p.do(t, "SET USERSTATUS %s", who.status)
		others = append(others, p)
	}
	entrance := l.host(t, "entrance")
	door := startBaresip(t, nil, baresipConfig{User: "door", Codecs: "pcma", Host: entrance})
	entrance.avahi(t).publish(t, "Door", "_sipuri._udp", door.config.Port, "txtvers=1", "name=Door", "contact=<"+door.direct()+">")
	s := &seat{whole: t, desk: d, phone: alice}
	s.open(t)
	s.allow(t)
	s.seesNeighbour(t, others[0])
	eventually(t, 20*time.Second, "four neighbours", func() bool { return len(s.neighbours(t)) == 4 })
	mine := s.dial(t, "Anna Meyer")
	others[0].do(t, "ALTER CALL %s ANSWER", others[0].ringing(t))
	s.is(t, mine, "INPROGRESS")
	s.finish(t, mine)
	s.keys(t, "ctrl+3")
	talk(7 * time.Second) // the card of the call goes away
	s.keys(t, "Home", "Down", "Down")
	talk(time.Second)
	img, err := s.main.picture()
	if err != nil {
		t.Fatal(err)
	}
	if err := writePNG(file, img); err != nil {
		t.Fatal(err)
	}
}

// takePicture lets Anna call Alice, whose window is shown.
func takePicture(t *testing.T, d *desk, k *kamailio, mode, file string) {
	alice := newPhone(t, nil, phoneConfig{User: ""})
	alice.args = slices.DeleteFunc(alice.args, func(a string) bool { return a == "--headless" })
	fillProfile(t, alice.profile, mode)
	joinServer(t, k, alice, "alice", "Alice Liddell")
	s := &seat{whole: t, desk: d, phone: alice, k: k}
	s.open(t)
	eventually(t, 10*time.Second, "alice is registered", func() bool { return len(k.contacts("alice")) > 0 })

	anna := newPhone(t, nil, phoneConfig{User: ""})
	joinServer(t, k, anna, "anna", "Anna Meyer")
	anna.run(t)
	eventually(t, 10*time.Second, "anna is registered", func() bool { return len(k.contacts("anna")) > 0 })
	id := anna.dial(t, "sip:alice@"+pictureDomain)
	s.main.press(t, "Answer", fynetheme.ColorNameSuccess)
	anna.awaitStatus(t, id, "INPROGRESS")
	talk(12 * time.Second)
	img, err := s.main.picture()
	if err != nil {
		t.Fatal(err)
	}
	if err := writePNG(file, img); err != nil {
		t.Fatal(err)
	}
	anna.finish(t, id)
}

// joinServer makes an account with an encrypted connection to the server.
func joinServer(t *testing.T, k *kamailio, p *phone, user, name string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	out, err := command(ctx, user+"pw\n", p.binary, "account", "add", "--profile", p.profile, "--secrets", "file", "--password-stdin",
		"--proxy", k.proxy("tls"), "sip:"+user+"@"+pictureDomain, "transport=tls", "display_name="+name)
	if err != nil {
		t.Fatalf("phone account add: %v\n%s", err, out)
	}
}

// fillProfile makes a profile of somebody who has used Parley for a while.
func fillProfile(t *testing.T, dir, mode string) {
	t.Helper()
	p, err := storage.Open(dir, storage.Options{Secrets: storage.SecretsFile, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, _, err := p.Settings().Update(func(s *storage.Settings) {
		s.General.FirstRunDone, s.General.Theme = true, mode
	}); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	add := func(name, address string, d storage.Direction, o storage.Outcome, ago, talked time.Duration) {
		c := storage.Call{
			Account: "alice@" + pictureDomain, Direction: d, PeerName: name, PeerURI: "sip:" + address,
			Start: now.Add(-ago), End: now.Add(talked - ago), Outcome: o, Seen: true,
		}
		if o == storage.Answered {
			c.Answered = c.Start
		}
		if _, err := p.History().Add(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	const day = 24 * time.Hour
	add("", "+493012345678@example.org", storage.Outgoing, storage.Busy, 4*day, 0)
	add("Bob Miller", "bob@example.org", storage.Outgoing, storage.Answered, 2*day, 3725*time.Second)
	add("David Okafor", "david@example.net", storage.Incoming, storage.Missed, 26*time.Hour, 0)
	add("Anna Meyer", "anna@example.org", storage.Outgoing, storage.Answered, 2*time.Hour, 221*time.Second)
	add("Bob Miller", "bob@example.org", storage.Incoming, storage.Answered, 40*time.Minute, 95*time.Second)
}
