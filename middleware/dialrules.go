package middleware

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"parley/internal/dialplan"
	"parley/sip"
)

// A DialStepKind says what was done to a text on its way to an address.
type DialStepKind uint8

// The kinds of steps.
const (
	DialSeparators DialStepKind = iota // From became To: separators were taken out
	DialLetters                        // From became To: letters are digits on the keys
	DialContext                        // From, where the number is valid, could not be heeded
	DialExtension                      // From, an extension, is not dialed
	DialHeader                         // From, a header field that the address asks for, is left out
	DialAccount                        // the call goes out from account To
	DialDirect                         // the call goes out without an account
	DialEmergency                      // From is an emergency number: rules with wildcards leave it alone
	DialRule                           // From became To by rule number Rule, which is written Text
	DialNoRule                         // none of the account's rules fits From
	DialDomain                         // From became To, an address at the account's domain
	DialEcho                           // the Echo Test is called
	DialNeighbour                      // the neighbour To is called
)

// A DialStep is one step of the explanation of a [DialTest].
type DialStep struct {
	Kind     DialStepKind
	From, To string
	Rule     int    // from 1
	Text     string // of the rule
}

// String returns the step as a sentence in English.
func (s DialStep) String() string {
	switch s.Kind {
	case DialSeparators:
		return fmt.Sprintf("%s without separators is %s", s.From, s.To)
	case DialLetters:
		return fmt.Sprintf("%s on the keys is %s", s.From, s.To)
	case DialContext:
		return fmt.Sprintf("phone-context %s is not heeded", s.From)
	case DialExtension:
		return fmt.Sprintf("extension %s is not dialed", s.From)
	case DialHeader:
		return fmt.Sprintf("header %s is left out", s.From)
	case DialAccount:
		return "from account " + s.To
	case DialDirect:
		return "without an account"
	case DialEmergency:
		return s.From + " is an emergency number"
	case DialRule:
		return fmt.Sprintf("rule %d, %s, makes %s of %s", s.Rule, s.Text, s.To, s.From)
	case DialNoRule:
		return "no rule fits " + s.From
	case DialDomain:
		return fmt.Sprintf("%s is called as %s", s.From, s.To)
	case DialEcho:
		return "the Echo Test is called"
	case DialNeighbour:
		return "the neighbour " + s.To + " is called"
	}
	return ""
}

// A DialTest tells what would be called.
type DialTest struct {
	Address string // the URI that would be called; empty with Err
	Peer    Peer   // how it would be shown
	Account string // id of the account that would call; empty without one
	Rule    int    // number of the dial rule that fits, from 1; 0 if none does
	Subject string // that the address brings
	Steps   []DialStep
	Err     error // why nothing would be called
}

// TestDial tells step by step what [SessionManager.Dial] would call, without
// calling. An empty account is chosen as Dial does.
func (m *SessionManager) TestDial(account, text string) DialTest {
	d, err := m.app.dialing(DialRequest{Target: text, Account: account})
	t := DialTest{Steps: d.steps, Rule: d.rule, Subject: d.subject, Err: err}
	switch {
	case d.account != nil:
		t.Account = d.account.id
	case d.target.neighbour != nil:
		t.Account = BonjourID
	}
	if err == nil {
		t.Address, t.Peer = d.uri.String(), d.peer
	}
	return t
}

// TestDialRules is [SessionManager.TestDial] for an account that need not exist
// yet: account is its address, rules are its dial rules.
func (m *SessionManager) TestDialRules(account string, rules []string, text string) DialTest {
	r, err := readTarget(text)
	if err != nil {
		return DialTest{Err: err}
	}
	d := dialing{reading: r}
	err = d.complete(account, rules)
	t := DialTest{Steps: d.steps, Rule: d.rule, Subject: d.subject, Account: account, Err: err}
	if err == nil {
		t.Address, t.Peer = d.uri.String(), peerOf(sip.Address{URI: d.uri})
	}
	return t
}

// A dialing is a reading completed for who calls.
type dialing struct {
	reading

	account *Account // nil: direct
	rule    int
	peer    Peer
	target  target
}

// resolveTarget finds out whom a request to dial means and how to get there.
func (app *SIPApplication) resolveTarget(r DialRequest) (target, *Account, Peer, error) {
	d, err := app.dialing(r)
	return d.target, d.account, d.peer, err
}

// dialing is the one way from a text to an address. With an error it holds the
// steps up to there.
func (app *SIPApplication) dialing(r DialRequest) (d dialing, err error) {
	if app.local == nil {
		return d, errNotListening
	}
	if strings.EqualFold(r.Target, EchoTarget) && app.echo != nil {
		d.target = app.directTarget(app.echo.uri)
		d.uri = d.target.uri
		d.peer = Peer{Name: echoName, Address: EchoTarget, URI: EchoTarget}
		d.note(DialStep{Kind: DialEcho})
		return d, nil
	}
	b := app.accounts.BonjourAccount()
	f, err := b.meant(r)
	if f == nil && err == nil {
		if d.reading, err = readTarget(r.Target); err != nil { // names of people have blanks
			f, err = b.elseMeant(r.Target, err)
		}
	}
	switch {
	case err != nil:
		return d, err
	case f != nil:
		return d, d.dialNeighbour(app, f)
	}
	where := d.uri
	if where.Host == "" {
		where.Host = d.domain
	}
	if d.account, err = app.chooseAccount(r.Account, where); err != nil {
		return d, err
	}
	if d.account == nil {
		err = d.goDirect(app)
	} else {
		err = d.goThrough(d.account)
	}
	if d.target.neighbour == nil {
		d.peer = peerOf(sip.Address{URI: d.uri})
	}
	if d.subject != "" {
		d.target.headers = append(d.target.headers, sip.Header{Name: "Subject", Value: d.subject})
	}
	return d, err
}

func (d *dialing) goDirect(app *SIPApplication) error {
	b := app.accounts.BonjourAccount()
	f := b.hood.at(lanAddr(d.uri), d.uri.User)
	if d.uri.Host == "" {
		if d.number { // which nobody gets by calling itself so
			return ErrNoAccount
		}
		var err error
		if f, err = b.elseMeant(d.uri.User, ErrNoAccount); err != nil {
			return err
		}
	}
	if f != nil {
		return d.dialNeighbour(app, f)
	}
	d.note(DialStep{Kind: DialDirect})
	d.target = app.directTarget(d.uri)
	return nil
}

// goThrough completes the address by the account's rules and domain. A whole
// address is called as it is: it may have come from the history, where the rules
// were applied already.
func (d *dialing) goThrough(a *Account) (err error) {
	d.note(DialStep{Kind: DialAccount, To: a.id})
	if err := d.complete(a.id, a.Settings().DialRules); err != nil {
		return err
	}
	d.target, err = a.target(d.uri)
	return err
}

// complete makes a whole address of what is none, as the account with that id
// would with these rules.
func (d *dialing) complete(id string, rules []string) error {
	if d.uri.Host != "" {
		return nil
	}
	if d.number {
		if err := d.applyRules(rules); err != nil {
			return err
		}
	}
	from := d.uri.User
	d.uri.Host = domainOf(id)
	if d.domain != "" && !strings.EqualFold(d.domain, d.uri.Host) {
		d.note(DialStep{Kind: DialContext, From: d.domain})
	}
	d.note(DialStep{Kind: DialDomain, From: sip.CleanText(from, 80), To: d.uri.Address()})
	return nil
}

func (d *dialing) applyRules(texts []string) error {
	rules, err := dialplan.ParseRules(texts) // the settings hold no others
	if err != nil {
		return fmt.Errorf("middleware: dial rules: %w", err)
	}
	number := d.uri.User
	if dialplan.Emergency(number) {
		d.note(DialStep{Kind: DialEmergency, From: number})
	}
	result, rule := rules.Apply(number)
	switch {
	case rule > 0:
		d.note(DialStep{Kind: DialRule, From: number, To: result, Rule: rule, Text: texts[rule-1]})
	case len(rules) > 0:
		d.note(DialStep{Kind: DialNoRule, From: number})
	}
	d.uri.User, d.rule = result, rule
	return nil
}

// chooseAccount picks the account for a call to u: the one asked for, else the
// one at u's domain, else the default one. Addresses of machines are called
// without an account.
func (app *SIPApplication) chooseAccount(id string, u sip.URI) (*Account, error) {
	switch id {
	case "":
	case BonjourID:
		if !app.accounts.BonjourAccount().Active() {
			return nil, fmt.Errorf("%w: %s", ErrAccountInactive, id)
		}
		return nil, nil
	default:
		return app.accounts.GetAccount(id)
	}
	for _, a := range app.accounts.GetAccounts() {
		if u.Host != "" && strings.EqualFold(domainOf(a.id), u.Host) && a.Snapshot().Enabled {
			return a, nil
		}
	}
	if isDirect(u) {
		return nil, nil
	}
	return app.accounts.DefaultAccount(), nil
}

// addressTarget is a call to u without an account, or to the neighbour who is there.
func (app *SIPApplication) addressTarget(u sip.URI) (target, error) {
	if f := app.accounts.BonjourAccount().hood.at(lanAddr(u), u.User); f != nil {
		var d dialing
		err := d.dialNeighbour(app, f)
		return d.target, err
	}
	return app.directTarget(u), nil
}

// directTarget is a call to u without an account.
func (app *SIPApplication) directTarget(u sip.URI) target {
	ep := app.direct()
	from := sip.URI{Scheme: "sip", User: app.local.user, Host: "localhost"}
	if addrs := ep.Addrs(); len(addrs) > 0 {
		from.Host = addrs[0].Addr.Addr().String()
	}
	set := app.settings.Get()
	return target{
		endpoint: ep, uri: u,
		from: sip.Address{Name: cmp.Or(set.Bonjour.DisplayName, set.General.UserName), URI: from},
		to:   sip.Address{URI: u},
		lookup: func(ctx context.Context) ([]sip.Route, *sip.Authorizer, error) {
			routes, err := app.resolver.Lookup(ctx, u, "")
			return routes, nil, err
		},
	}
}

// target is a call from the account to u.
func (a *Account) target(u sip.URI) (target, error) {
	ep := a.ep.Load()
	if ep == nil {
		return target{}, fmt.Errorf("%w: %s", ErrAccountInactive, a.id)
	}
	return target{
		endpoint: endpoint{ep}, uri: u, from: a.address(), to: sip.Address{URI: u}, routeSet: a.preloaded,
		lookup: func(ctx context.Context) ([]sip.Route, *sip.Authorizer, error) {
			_, auth, err := a.authorizers(ctx)
			if err != nil {
				return nil, nil, err
			}
			routes, err := a.callRoutes(ctx, u)
			return routes, auth, err
		},
	}, nil
}
