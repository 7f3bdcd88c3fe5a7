package middleware

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"parley/bonjour"
	"parley/media"
	"parley/middleware/bus"
	"parley/sip"
	"parley/storage"
)

// stopTime bounds how long the program's end waits for the far ends of calls.
const stopTime = 2 * time.Second

// A Config holds what an application is made of. Nothing in it may change
// afterwards.
type Config struct {
	Log       *slog.Logger
	UserAgent string           // "Parley/0.1"
	Profile   *storage.Profile // the caller closes it after Stop
	Resolver  *sip.Resolver
	Media     media.Config       // OnEvent is set by the application
	Echo      media.Driver       // the Echo Test's sound device; nil: there is no Echo Test
	Devices   media.DeviceChoice // from the command line; empty fields follow the settings
	Listen    []netip.AddrPort   // concrete addresses to listen on
	Direct    netip.AddrPort     // where calls without an account are expected; zero port: any
	Network   sip.Network        // nil: the machine's own
	Monitor   NetworkMonitor     // tells when addresses change; zero: they never do
	Chance    func() float64     // in [0,1), spreads what is repeated; nil: by chance
	Tracer    sip.Tracer         // nil: none
	Roots     *x509.CertPool     // trusted certificates; nil: the system's
	Bonjour   bonjour.Network    // where neighbours are looked for; nil: nowhere
	HostName  string             // of the machine, as neighbours see it; a domain in it is left out
}

// SIPApplication starts, joins and stops all parts of the program below its
// front ends.
type SIPApplication struct {
	log      *slog.Logger
	config   Config
	bus      *bus.Bus
	settings *storage.SettingsStore
	secrets  storage.Secrets
	resolver *sip.Resolver
	engine   *media.Engine
	accounts *AccountManager
	sessions *SessionManager
	audio    *AudioManager
	history  *History
	contacts *Contacts
	callers  callerBook // nil: nobody is known
	status   atomic.Pointer[UserStatus]
	local    *localEndpoint
	echo     *echoTest
	watcher  *watcher
	network  *network
	instance string // URN of this installation; empty if it cannot be told
	stopOnce sync.Once
}

// NewSIPApplication builds an application; nothing runs before
// [SIPApplication.Start].
func NewSIPApplication(c Config) *SIPApplication {
	b := new(bus.Bus)
	app := &SIPApplication{
		log: c.Log, config: c, bus: b,
		settings: c.Profile.Settings(), secrets: c.Profile.Secrets(), resolver: c.Resolver,
	}
	status := Online
	if app.settings.Get().Calls.DoNotDisturb {
		status = DoNotDisturb
	}
	app.status.Store(&status)
	app.audio = &AudioManager{bus: b, app: app, override: c.Devices, trouble: map[string]string{}}
	c.Media.OnEvent = app.audio.gotEvent
	app.engine = media.New(c.Media)
	app.audio.engine = app.engine
	app.accounts = &AccountManager{app: app}
	app.sessions = &SessionManager{
		log: c.Log.With("sub", "session"), bus: b, engine: app.engine, formats: formatsOf(c.Media),
		settings: app.settings, dir: c.Profile.RecordingsDir(), app: app,
		sessions: map[SessionID]*Session{},
	}
	app.history = newHistory(c.Log.With("sub", "history"), b, c.Profile)
	app.contacts = newContacts(c.Log.With("sub", "contacts"), b, c.Profile)
	app.callers = app.contacts
	app.watcher = newWatcher(app)
	app.network = newNetwork(app)
	if id, err := c.Profile.InstanceID(); err == nil {
		app.instance = id
	}
	return app
}

// Bus returns the bus on which everything is told.
func (app *SIPApplication) Bus() *bus.Bus { return app.bus }

// AccountManager returns the application's one AccountManager.
func (app *SIPApplication) AccountManager() *AccountManager { return app.accounts }

// SessionManager returns the application's one SessionManager.
func (app *SIPApplication) SessionManager() *SessionManager { return app.sessions }

// Audio returns the application's one AudioManager.
func (app *SIPApplication) Audio() *AudioManager { return app.audio }

// History returns the record of all calls.
func (app *SIPApplication) History() *History { return app.history }

// Start starts every part in a fixed order: history, media, direct calls and
// Echo Test, accounts. It does not wait for the network or for devices; a part
// that cannot start is logged and tried again where that helps. An error means
// that no call would be possible at all; then everything is stopped again.
func (app *SIPApplication) Start(ctx context.Context) error {
	app.history.start()
	app.contacts.start()
	app.watcher.start()
	app.bus.Publish(SIPApplicationWillStart{})
	app.audio.apply()
	app.engine.Start(app.audio.choiceNow())
	var err error
	if app.local, err = app.listenLocal(ctx); err != nil {
		app.Stop(ctx)
		return fmt.Errorf("middleware: no calls without an account: %w", err)
	}
	if app.config.Echo != nil {
		if app.echo, err = newEchoTest(ctx, app); err != nil {
			app.log.Error("Echo Test does not run", "err", err)
		}
	}
	app.accounts.start()
	app.network.start()
	app.bus.Publish(SIPApplicationDidStart{})
	return nil
}

// Stop ends every call, unregisters every account and stops every part, in the
// opposite order of Start. Waiting for the network is bounded in time, and by
// ctx; then history and log take in what is left. Calling it again, or before
// Start, does no harm.
func (app *SIPApplication) Stop(ctx context.Context) {
	app.stopOnce.Do(func() {
		app.bus.Publish(SIPApplicationWillEnd{})
		app.accounts.BonjourAccount().leave()
		app.network.end()
		bounded, cancel := context.WithTimeout(ctx, stopTime)
		app.sessions.stop(bounded)
		cancel()
		app.accounts.stop(ctx)
		app.closeEndpoints(ctx)
		// Calls whose far ends were silent end with their endpoints.
		bounded, cancel = context.WithTimeout(ctx, stopTime)
		app.sessions.awaitAll(bounded)
		cancel()
		app.engine.Close()
		app.bus.Publish(SIPApplicationDidEnd{})
		app.watcher.wait()
		app.history.wait()
		app.contacts.close()
	})
}

// closeEndpoints ends the Echo Test and direct calls.
func (app *SIPApplication) closeEndpoints(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, stopTime)
	defer cancel()
	if app.echo != nil {
		app.echo.close(ctx)
	}
	if app.local != nil {
		if err := app.local.Close(ctx); err != nil {
			app.log.Info("Endpoint did not close in time", "err", err)
		}
	}
}

func (app *SIPApplication) direct() endpoint {
	if app.local == nil {
		return endpoint{}
	}
	return endpoint{app.local.Endpoint}
}

// tlsConfig is the template for TLS connections of every endpoint. Both sides
// present the installation's own certificate.
func (app *SIPApplication) tlsConfig() (*tls.Config, error) {
	id, err := app.config.Profile.Identity()
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion:   tls.VersionTLS12,
		RootCAs:      app.config.Roots,
		Certificates: []tls.Certificate{id},
	}, nil
}

// errNotListening is returned for calls before Start.
var errNotListening = errors.New("middleware: the program has not started")
