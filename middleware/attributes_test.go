package middleware_test

import (
	"errors"
	"net/netip"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/middleware"
	"parley/middleware/middlewaretest"
	"parley/middleware/session"
	"parley/sip"
	"parley/sip/siptest"
)

// The attributes of both ends of a call, before, while and after it goes on.
func TestSessionAttributes(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		began := time.Now()
		out := alice.Dial(bob.URI())
		soon()
		in := bob.Session()
		if out.State() != session.Calling || in.State() != session.Incoming {
			t.Errorf("states = %v, %v, want Calling, Incoming", out.State(), in.State())
		}
		if out.Direction() != middleware.Outgoing || in.Direction() != middleware.Incoming {
			t.Errorf("directions = %v, %v, want outgoing, incoming", out.Direction(), in.Direction())
		}
		if !out.StartTime().IsZero() || out.HasAudio() || out.AudioCodec() != "" || out.AudioSampleRate() != 0 {
			t.Error("a call that is not answered has a start or audio")
		}
		in.Accept()
		soon()
		if got := out.StartTime(); got.Before(began) || got.After(time.Now()) {
			t.Errorf("start = %v, want now", got)
		}
		if out.CallerURI() != out.LocalURI() || out.CalleeURI() != bob.URI() || out.RemoteURI() != bob.URI() {
			t.Errorf("alice: caller %q, callee %q, remote %q", out.CallerURI(), out.CalleeURI(), out.RemoteURI())
		}
		if in.CalleeURI() != in.LocalURI() || in.CallerURI() != in.RemoteURI() || in.CallerURI() == "" {
			t.Errorf("bob: caller %q, callee %q, local %q", in.CallerURI(), in.CalleeURI(), in.LocalURI())
		}
		if got := out.RemoteUserAgent(); got != "Parley/test" {
			t.Errorf("user agent = %q, want Parley/test", got)
		}
		if out.Route() != "udp 192.0.2.2:5060" || in.Route() != "" {
			t.Errorf("routes = %q, %q, want udp 192.0.2.2:5060 and none", out.Route(), in.Route())
		}
		if out.Account() != middleware.SIPAccount(alice.App.AccountManager().BonjourAccount()) {
			t.Errorf("account = %v, want the one for calls without a server", out.Account())
		}
		if c, ok := out.Credentials(); !ok || c.URI == "" {
			t.Errorf("credentials = %v, %t, want some", c, ok)
		}
		if _, ok := in.Credentials(); ok {
			t.Error("an incoming call has credentials")
		}
		out.End()
		soon()
		if got := out.StopTime(); got.Before(out.StartTime()) || out.State() != session.Terminated {
			t.Errorf("stop = %v in state %v, want later than the start in Terminated", got, out.State())
		}
	})
}

// What a session says of its audio is the same as seen from both ends.
func TestSessionAudioAttributes(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		out, in := connected(t, alice, bob)
		time.Sleep(time.Second)
		synctest.Wait()
		if !out.HasAudio() || out.AudioCodec() != "G722" || out.AudioSampleRate() != 16000 {
			t.Errorf("audio %t, %s at %d Hz, want G722 at 16000", out.HasAudio(), out.AudioCodec(), out.AudioSampleRate())
		}
		if out.AudioSRTPActive() {
			t.Error("a call over UDP has SRTP")
		}
		if got := out.AudioLocalRTPAddress(); got != netip.MustParseAddr("192.0.2.1") || out.AudioLocalRTPPort() == 0 {
			t.Errorf("local RTP = %v:%d", got, out.AudioLocalRTPPort())
		}
		if out.AudioRemoteRTPAddressSDP() != in.AudioLocalRTPAddress() || out.AudioRemoteRTPPortSDP() != in.AudioLocalRTPPort() {
			t.Errorf("remote RTP = %v:%d, want bob's", out.AudioRemoteRTPAddressSDP(), out.AudioRemoteRTPPortSDP())
		}
		if out.AudioRemoteRTPAddressReceived() != in.AudioLocalRTPAddress() || out.AudioRemoteRTPPortReceived() != in.AudioLocalRTPPort() {
			t.Errorf("received from %v:%d, want bob's", out.AudioRemoteRTPAddressReceived(), out.AudioRemoteRTPPortReceived())
		}
		if !out.AudioWasReceived() {
			t.Error("no audio was received")
		}
		transport := out.AudioTransport()
		if transport == nil || transport.LocalAddr().Addr() != out.AudioLocalRTPAddress() || transport.Stats() != out.Stats() {
			t.Errorf("transport = %+v, want that of the session", transport)
		}
		if got := out.AudioRecordingFileName(); got != "" {
			t.Errorf("recording = %q, want none", got)
		}
		file := filepath.Join(t.TempDir(), "call.wav")
		out.StartRecordingAudio(file)
		synctest.Wait()
		if got := out.AudioRecordingFileName(); got != file {
			t.Errorf("recording = %q, want %q", got, file)
		}
		wantNames(t, "alice", alice, "SIPSessionWillStartRecordingAudio", "SIPSessionDidStartRecordingAudio")
		out.StopRecordingAudio()
		synctest.Wait()
		wantNames(t, "alice", alice, "SIPSessionWillStopRecordingAudio", "SIPSessionDidStopRecordingAudio")
		if out.OnHold() {
			t.Error("the call is on hold")
		}
		out.Hold()
		soon()
		if !out.OnHold() || !out.OnHoldByLocal() || out.OnHoldByRemote() || !in.OnHoldByRemote() || in.OnHoldByLocal() {
			t.Error("the flags do not say that alice holds the call")
		}
	})
}

// A session has its own copy of the configurations; later ones get later changes.
func TestConfigurationsAreCopied(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		m := alice.App.SessionManager()
		want := middleware.RTPConfiguration{UseSRTP: true, ICESTUNPort: 3478}
		if got := m.RTPConfig(); got != want || got != middleware.NewRTPConfiguration() {
			t.Errorf("RTP configuration = %+v, want %+v", got, want)
		}
		chat := middleware.MSRPConfiguration{LocalUseTLS: true, UseRelayIncoming: true}
		if got := m.MSRPConfig(); got != chat || got != middleware.NewMSRPConfiguration() {
			t.Errorf("MSRP configuration = %+v, want %+v", got, chat)
		}
		first := alice.Dial(bob.URI())
		soon()
		want.UseSRTP, want.ICESTUNAddress = false, netip.MustParseAddr("192.0.2.9")
		chat.LocalIP, chat.LocalPort, chat.UseRelayOutgoing = netip.MustParseAddr("192.0.2.1"), 2855, true
		chat.RelayHost, chat.RelayPort, chat.RelayUseTLS = "relay.example.org", 2856, true
		if err := errors.Join(m.SetRTPConfig(want), m.SetMSRPConfig(chat), m.RingtoneConfig().SetOutboundRingtone(middleware.NoRingtone)); err != nil {
			t.Fatal(err)
		}
		if got := first.RTPConfig(); got != middleware.NewRTPConfiguration() {
			t.Errorf("the running session has %+v, want what it began with", got)
		}
		second := alice.Dial(bob.URI())
		soon()
		if second.RTPConfig() != want || second.MSRPConfig() != chat || first.MSRPConfig() == chat {
			t.Errorf("the new session has %+v, %+v, want the new configurations", second.RTPConfig(), second.MSRPConfig())
		}
		if first.RingtoneConfig().OutboundRingtone() != "" || second.RingtoneConfig().OutboundRingtone() != middleware.NoRingtone {
			t.Error("the ringtones of a session are not those of its beginning")
		}
	})
}

func TestConfigurationsThatAreRefused(t *testing.T) {
	pair(t, func(t *testing.T, alice, _ *middlewaretest.Phone) {
		m := alice.App.SessionManager()
		if err := m.SetRTPConfig(middleware.RTPConfiguration{UseICE: true}); !errors.Is(err, middleware.ErrNotSupported) {
			t.Errorf("SetRTPConfig with ICE = %v, want ErrNotSupported", err)
		}
		for _, c := range []middleware.RTPConfiguration{
			{LocalRTPAddress: netip.IPv4Unspecified()}, {LocalRTPAddress: netip.MustParseAddr("239.1.1.1")}, {ICESTUNPort: 65536},
		} {
			if err := m.SetRTPConfig(c); err == nil {
				t.Errorf("SetRTPConfig(%+v) was taken", c)
			}
		}
		if err := m.SetMSRPConfig(middleware.MSRPConfiguration{RelayPort: -1}); err == nil {
			t.Error("SetMSRPConfig with port -1 was taken")
		}
		if m.RTPConfig() != middleware.NewRTPConfiguration() || m.MSRPConfig() != middleware.NewMSRPConfiguration() {
			t.Error("a refused configuration was taken")
		}
	})
}

// Audio is received where the configuration says.
func TestLocalRTPAddress(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		c := middleware.NewRTPConfiguration()
		c.LocalRTPAddress = netip.MustParseAddr("192.0.2.101")
		if err := alice.App.SessionManager().SetRTPConfig(c); err != nil {
			t.Fatal(err)
		}
		out, in := connected(t, alice, bob)
		if out.AudioLocalRTPAddress() != c.LocalRTPAddress || in.AudioRemoteRTPAddressSDP() != c.LocalRTPAddress {
			t.Errorf("audio is received at %v, bob was told %v, want %v", out.AudioLocalRTPAddress(), in.AudioRemoteRTPAddressSDP(), c.LocalRTPAddress)
		}
	})
}

func TestRingtonesByAddress(t *testing.T) {
	var c middleware.RingtoneConfiguration
	if c.DefaultInboundRingtone() != "" || c.OutboundRingtone() != "" || c.RingtoneForSIPURI("sip:bob@example.org") != "" {
		t.Error("an empty configuration has ringtones")
	}
	if err := c.SetDefaultInboundRingtone("/all.wav"); err != nil {
		t.Fatal(err)
	}
	if err := c.AddRingtoneForSIPURI("sip:bob@Example.org:5062;transport=tls", "/bob.wav"); err != nil {
		t.Fatal(err)
	}
	for uri, want := range map[string]string{
		"sip:bob@example.org": "/bob.wav", "bob@EXAMPLE.org": "/bob.wav", "sips:bob@example.org;x=y": "/bob.wav",
		"sip:Bob@example.org": "/all.wav", "sip:bob@example.com": "/all.wav", "no address": "/all.wav",
	} {
		if got := c.RingtoneForSIPURI(uri); got != want {
			t.Errorf("RingtoneForSIPURI(%q) = %q, want %q", uri, got, want)
		}
	}
	if !c.RemoveSIPURI("sip:bob@example.org") || c.RemoveSIPURI("sip:bob@example.org") {
		t.Error("RemoveSIPURI did not remove it once")
	}
	if got := c.RingtoneForSIPURI("sip:bob@example.org"); got != "/all.wav" {
		t.Errorf("after its removal = %q, want /all.wav", got)
	}
	if c.AddRingtoneForSIPURI("sip:bob@example.org", "relative.wav") == nil || c.AddRingtoneForSIPURI("sip:bob@\r\n", "/x.wav") == nil {
		t.Error("a relative path, or a broken address, was taken")
	}
}

// A caller with a ringtone of its own rings with it.
func TestCallerRingsWithItsOwn(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		c := bob.App.SessionManager().RingtoneConfig()
		out := alice.Dial(bob.URI())
		soon()
		caller := bob.Session().RemoteURI()
		out.End()
		soon()
		if err := errors.Join(c.AddRingtoneForSIPURI(caller, "/alice.wav"), c.SetDefaultInboundRingtone("/all.wav")); err != nil {
			t.Fatal(err)
		}
		out = alice.Dial(bob.URI())
		soon()
		if got := bob.Session().Snapshot().Ringtone; got != "/alice.wav" {
			t.Errorf("the call rings with %q, want /alice.wav", got)
		}
		out.End()
		soon()
		c.RemoveSIPURI(caller)
		alice.Dial(bob.URI())
		soon()
		if got := bob.Session().Snapshot().Ringtone; got != "/all.wav" {
			t.Errorf("without it the call rings with %q, want /all.wav", got)
		}
	})
}

// Contact, credentials and functions of an account, and how it is found.
func TestAccountAttributes(t *testing.T) {
	registered(t, func(t *testing.T, p *middlewaretest.Phone, _ *siptest.Peer) {
		m := p.App.AccountManager()
		a, err := m.GetAccount("alice@example.org")
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if a.Username() != "alice" || a.Domain() != "example.org" || a.ID() != "alice@example.org" {
			t.Errorf("id = %s, %s, %s", a.ID(), a.Username(), a.Domain())
		}
		c := a.Contact()
		uri, ok := c.URI("udp")
		if len(c.Username) != 8 || c.Domain != "192.0.2.1" || !ok {
			t.Fatalf("contact = %v, %q, %t", c, uri, ok)
		}
		if _, err := sip.ParseURI(uri); err != nil {
			t.Errorf("contact by UDP = %q: %v", uri, err)
		}
		if _, ok := c.URI("pigeon"); ok {
			t.Error("the account has a contact for pigeons")
		}
		if m.FindAccount(uri) != a || m.FindSIPAccount(uri) != middleware.SIPAccount(a) {
			t.Errorf("the account is not found by its contact %q", uri)
		}
		o := a.SettingsObject()
		o.Values.DisplayName, o.Values.AuthUser = "Alice", "al"
		if err := o.Save(); err != nil {
			t.Fatal(err)
		}
		want := middleware.Credentials{DisplayName: "Alice", URI: "sip:alice@example.org", Username: "al"}
		if got := a.Credentials(); got != want || got.String() != `"Alice" <sip:alice@example.org>` {
			t.Errorf("credentials = %v as %s", got, got.Username)
		}
		if got := (middleware.ContactURI{Username: "abc"}).String(); got != "abc" {
			t.Errorf("a contact without a network = %q, want its user", got)
		}
		ids := []string{}
		for a := range m.IterAccounts() {
			ids = append(ids, a.ID())
		}
		if all := []string{"alice@example.org", middleware.BonjourID}; !slices.Equal(ids, all) {
			t.Errorf("accounts = %q, want %q", ids, all)
		}
		o.Values.Enabled = false
		if err := o.Save(); err != nil {
			t.Fatal(err)
		}
		if a.Enabled() || m.FindAccount(uri) != nil || m.FindSIPAccount("sip:alice@example.org") != nil {
			t.Error("a disabled account is found")
		}
	})
}

// The flags of an account's functions work together with that of the account;
// those of what is not supported are kept and say so.
func TestAccountFunctions(t *testing.T) {
	registered(t, func(t *testing.T, p *middlewaretest.Phone, _ *siptest.Peer) {
		a, err := p.App.AccountManager().GetAccount("alice@example.org")
		if err != nil {
			t.Fatal(err)
		}
		if on, err := a.FunctionEnabled(middleware.Registration); !on || err != nil {
			t.Errorf("registration = %t, %v, want true", on, err)
		}
		o := a.SettingsObject()
		o.Values.Presence, o.Values.DialogEvent, o.Values.MessageSummary = false, false, false
		o.Values.Enabled = false
		if err := o.Save(); err != nil {
			t.Fatal(err)
		}
		if on, err := a.FunctionEnabled(middleware.Registration); on || err != nil {
			t.Errorf("registration of a disabled account = %t, %v, want false", on, err)
		}
		for _, f := range []middleware.AccountFunction{middleware.PresenceEvent, middleware.DialogEvent, middleware.MessageSummary} {
			if on, err := a.FunctionEnabled(f); on || !errors.Is(err, middleware.ErrNotSupported) {
				t.Errorf("function %d = %t, %v, want false and ErrNotSupported", f, on, err)
			}
		}
		if set := a.Settings(); set.Presence || set.DialogEvent || set.MessageSummary {
			t.Error("the flags were not kept")
		}
	})
}

// Save changes what was changed and leaves alone what others changed.
func TestSettingsObjects(t *testing.T) {
	pair(t, func(t *testing.T, alice, _ *middlewaretest.Phone) {
		one, two := alice.App.SettingsObject(), alice.App.SettingsObject()
		one.Values.Calls.RingTimeout = 30 * time.Second
		two.Values.Calls.CallWaiting = false
		if err := errors.Join(one.Save(), two.Save()); err != nil {
			t.Fatal(err)
		}
		if set := alice.App.Settings(); set.Calls.RingTimeout != 30*time.Second || set.Calls.CallWaiting {
			t.Errorf("saved %v, %t, want both changes", set.Calls.RingTimeout, set.Calls.CallWaiting)
		}
		synctest.Wait()
		n, _ := middlewaretest.Last[middleware.CFGSettingsObjectDidChange](alice)
		want := middleware.CFGSettingsObjectDidChange{
			Object:   "general",
			Modified: map[string]middleware.Modified{"calls.call_waiting": {Old: "true", New: "false"}},
		}
		if diff := cmp.Diff(want.Modified, n.Modified); diff != "" || n.Object != want.Object {
			t.Errorf("told of %s (-want +got):\n%s", n.Object, diff)
		}
		before := len(alice.Notes())
		if err := two.Save(); err != nil {
			t.Error(err)
		}
		one.Values.Calls.RingTimeout = time.Hour * 9
		var bad *middleware.ValueError
		if err := one.Save(); !errors.As(err, &bad) || bad.Key != "calls.ring_timeout" {
			t.Errorf("Save of nine hours = %v, want an error that names the setting", err)
		}
		synctest.Wait()
		if n := len(alice.Notes()); n != before {
			t.Errorf("%d notifications of nothing", n-before)
		}
	})
}

// The account of calls without a server: it follows its settings, tells of that,
// and calls by the way of all such calls.
func TestBonjourAccount(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		b := alice.App.AccountManager().BonjourAccount()
		if b.ID() != "bonjour@local" || b.Username() != "bonjour" || b.Domain() != "local" || !b.Enabled() || !b.Active() {
			t.Errorf("id %s, enabled %t, active %t", b.ID(), b.Enabled(), b.Active())
		}
		contact, ok := b.Contact().URI("udp")
		if c := b.Contact(); !ok || len(c.Username) != 8 || c.Domain != "192.0.2.1" {
			t.Fatalf("contact = %v, want one for UDP", c)
		}
		if got := alice.App.AccountManager().FindSIPAccount(contact); got != middleware.SIPAccount(b) {
			t.Errorf("found by %q: %v, want the account", contact, got)
		}
		m := alice.App.AccountManager()
		if got, err := m.GetSIPAccount("sip:bonjour@LOCAL"); got != middleware.SIPAccount(b) || err != nil {
			t.Errorf("found by its id: %v, %v, want the account", got, err)
		}
		if got, err := m.GetSIPAccount("nobody@local"); got != nil || !errors.Is(err, middleware.ErrNoSuchAccount) {
			t.Errorf("an account nobody has = %v, %v, want ErrNoSuchAccount", got, err)
		}
		if _, err := m.AddAccount(t.Context(), middleware.NewAccountSettings(b.ID()), ""); !errors.Is(err, middleware.ErrAccountExists) {
			t.Errorf("a second account of that id = %v, want ErrAccountExists", err)
		}
		o := b.SettingsObject()
		o.Values.DisplayName = "Alice"
		if err := o.Save(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		n, _ := middlewaretest.Last[middleware.CFGSettingsObjectDidChange](alice)
		if diff := cmp.Diff(map[string]middleware.Modified{"display_name": {Old: "", New: "Alice"}}, n.Modified); diff != "" || n.Object != b.ID() {
			t.Errorf("told of %s (-want +got):\n%s", n.Object, diff)
		}
		if got, want := b.Credentials().String(), `"Alice" <sip:`+b.Contact().String()+`>`; got != want {
			t.Errorf("credentials = %s, want %s", got, want)
		}
		if _, err := alice.App.SessionManager().Dial(middleware.DialRequest{Target: bob.URI(), Account: b.ID()}); err != nil {
			t.Fatal(err)
		}
		soon()
		in := bob.Session()
		if in.Snapshot().Peer.Name != "Alice" || in.RemoteURI() != "sip:"+b.Contact().String() {
			t.Errorf("bob is called by %q, %s, want Alice at her contact", in.Snapshot().Peer.Name, in.RemoteURI())
		}
		in.End()
		soon()
		o.Values.Enabled = false
		if err := o.Save(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		off, _ := middlewaretest.Last[middleware.SIPAccountDidDeactivate](alice)
		if off.Account != b.ID() || b.Active() {
			t.Errorf("after it was disabled: told of %q, active %t", off.Account, b.Active())
		}
		if _, shown := middleware.AccountOf(off); shown {
			t.Error("the account is one of those shown")
		}
		if _, err := alice.App.SessionManager().Dial(middleware.DialRequest{Target: bob.URI(), Account: b.ID()}); !errors.Is(err, middleware.ErrAccountInactive) {
			t.Errorf("a call from the disabled account = %v, want ErrAccountInactive", err)
		}
	})
}
