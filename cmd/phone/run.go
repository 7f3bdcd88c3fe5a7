package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"parley/bonjour"
	"parley/media"
	"parley/media/codec"
	"parley/media/codec/opus"
	"parley/media/device"
	"parley/media/tone"
	"parley/middleware"
	"parley/scripting"
	"parley/sip"
	"parley/storage"
)

// A phone is the program put together, without its window.
type phone struct {
	log     *slog.Logger
	options options
	profile *storage.Profile
	app     *middleware.SIPApplication
	api     *scripting.Server
	close   []func() // in reverse order
}

// runPhone runs the phone until it is told to end.
func runPhone(ctx context.Context, args []string, io streams) error {
	o, err := parseOptions(args, io)
	if err != nil {
		return err
	}
	// The audio goroutines need a processor at once, even when the others are
	// all busy drawing or collecting garbage.
	runtime.GOMAXPROCS(max(runtime.NumCPU()+2, 8))
	log := slog.New(slog.NewTextHandler(io.err, &slog.HandlerOptions{Level: o.logLevel}))
	p, err := build(ctx, o, log)
	var inUse *storage.InUseError
	if errors.As(err, &inUse) {
		return handOver(ctx, o, inUse)
	}
	if err != nil {
		return err
	}
	defer p.shut()
	if o.headless {
		return p.runHeadless(ctx, io)
	}
	return p.runWindow(ctx)
}

// build makes all parts but the window, and starts none.
func build(_ context.Context, o options, log *slog.Logger) (_ *phone, err error) {
	p := &phone{log: log, options: o}
	defer func() {
		if err != nil {
			p.shut()
		}
	}()
	dir, err := profileDir(o.profile)
	if err != nil {
		return nil, err
	}
	if p.profile, err = storage.Open(dir, storage.Options{Secrets: o.secrets, Log: log.With("sub", "storage")}); err != nil {
		return nil, err
	}
	p.onShut(func() { p.logError("Profile not closed", p.profile.Close()) })
	for _, problem := range p.profile.Problems() {
		log.Warn("Problem in the profile", "problem", problem)
	}
	c, err := p.config()
	if err != nil {
		return nil, err
	}
	p.app = middleware.NewSIPApplication(c)
	return p, nil
}

// config gathers what the application is made of.
func (p *phone) config() (middleware.Config, error) {
	set := p.profile.Settings().Get()
	o := p.options
	c := middleware.Config{
		Log: p.log, UserAgent: "Parley/" + version, Profile: p.profile,
		Devices: media.DeviceChoice{Input: o.audioIn, Output: o.audioOut, Alert: o.alert},
		Media: media.Config{
			Log:      p.log,
			Hardware: device.New(p.log.With("sub", "device")),
			Codecs:   []codec.Codec{opus.New(), codec.G722(), codec.PCMA(), codec.PCMU()},
		},
		Echo: media.NewEchoDriver(time.Second, tone.Greeting()),
	}
	var err error
	if c.Listen, c.Direct, err = listenAddrs(pick(o.listen, set.Network.Listen)); err != nil {
		return c, err
	}
	watching, stopWatching := context.WithCancel(context.Background())
	p.onShut(stopWatching)
	c.Monitor = monitor(watching, p.log.With("sub", "network"), len(c.Listen) == 0)
	if !o.noBonjour {
		c.Bonjour = bonjour.SystemNetwork()
	}
	if c.HostName, err = os.Hostname(); err != nil {
		p.log.Warn("This machine has no name; neighbours see none", "err", err)
	}
	if c.Roots, err = roots(pick(o.tlsCA, set.Network.TLSCA)); err != nil {
		return c, err
	}
	resolver := sip.ResolverConfig{Log: p.log.With("sub", "dns")}
	if dns := pick(o.dns, set.Network.DNSServer); dns != "" {
		resolver.Servers = []string{withPort(dns, "53")}
	}
	c.Resolver = sip.NewResolver(resolver)
	if o.traceSIP != "" {
		f, err := os.OpenFile(o.traceSIP, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return c, fmt.Errorf("SIP trace: %w", err)
		}
		p.onShut(func() { p.logError("SIP trace not closed", f.Close()) })
		c.Tracer = sip.NewWriterTracer(f)
	}
	return c, nil
}

// startAPI opens the desktop API, if it is not switched off.
func (p *phone) startAPI(c scripting.Config) error {
	if !p.app.Settings().API.Enabled && p.options.api == "" {
		return nil
	}
	path, err := apiPath(p.options.api, p.profile.Dir())
	if err != nil {
		return err
	}
	c.Log, c.App, c.Path, c.Version = p.log.With("sub", "api"), p.app, path, version
	p.api = scripting.New(c)
	if err := p.api.Start(); err != nil {
		return fmt.Errorf("desktop API: %w", err)
	}
	p.onShut(p.api.Close)
	return nil
}

// runHeadless runs without a window until ctx ends or a client says SHUTDOWN.
func (p *phone) runHeadless(ctx context.Context, io streams) error {
	ctx, quit := context.WithCancel(ctx)
	defer quit()
	if err := p.startApp(ctx); err != nil {
		return err
	}
	if err := p.startAPI(scripting.Config{Quit: quit}); err != nil {
		return err
	}
	if p.api != nil {
		fmt.Fprintln(io.out, "Parley is ready; its desktop API is at", "unix:"+p.api.Path())
	}
	<-ctx.Done()
	return nil
}

func (p *phone) startApp(ctx context.Context) error {
	if err := p.app.Start(ctx); err != nil {
		return err
	}
	p.onShut(func() { p.app.Stop(context.Background()) })
	return nil
}

func (p *phone) onShut(f func()) { p.close = append(p.close, f) }

// shut ends everything that was begun, last things first.
func (p *phone) shut() {
	for len(p.close) > 0 {
		f := p.close[len(p.close)-1]
		p.close = p.close[:len(p.close)-1]
		f()
	}
}

func (p *phone) logError(what string, err error) {
	if err != nil {
		p.log.Warn(what, "err", err)
	}
}

// profileDir returns the absolute folder of the profile.
func profileDir(flag string) (string, error) {
	if flag == "" {
		return storage.DefaultDir()
	}
	return filepath.Abs(flag)
}

// roots returns the system's trusted certificates and those in file, or nil for
// the system's alone.
func roots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("trusted certificates: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("trusted certificates: %s holds no certificate in PEM form", file)
	}
	return pool, nil
}

func pick(flag, setting string) string {
	if flag != "" {
		return flag
	}
	return setting
}

func withPort(host, port string) string {
	if _, _, err := net.SplitHostPort(host); err == nil {
		return host
	}
	return net.JoinHostPort(host, port)
}
