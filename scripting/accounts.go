package scripting

import (
	"context"
	"errors"
	"strings"

	"parley/middleware"
	"parley/scripting/protocol"
)

// accountProperties are the properties of an account that are no settings.
var accountProperties = map[string]func(middleware.AccountSnapshot) string{
	"REGSTATUS": func(a middleware.AccountSnapshot) string { return constant(a.Registration.String()) },
	"REASON":    accountReason,
	"FAILURE": func(a middleware.AccountSnapshot) string {
		if accountReason(a) == "" {
			return ""
		}
		return constant(a.Failure.Kind.String())
	},
	"DEFAULT":    func(a middleware.AccountSnapshot) string { return trueFalse(a.Default) },
	"CONTACT":    func(a middleware.AccountSnapshot) string { return a.Contact },
	"ROUTE":      func(a middleware.AccountSnapshot) string { return a.Route },
	"REGISTERED": func(a middleware.AccountSnapshot) string { return unix(a.Registered) },
	"NEXTTRY":    func(a middleware.AccountSnapshot) string { return unix(a.NextTry) },

	"FORWARDFAILURE": forwardFailure,
}

// searchAccounts lists the accounts: SEARCH ACCOUNTS.
func (s *Server) searchAccounts(_ context.Context, _ *conn, cmd *protocol.Command) (string, error) {
	var ids []string
	for _, a := range s.app.AccountManager().GetAccounts() {
		ids = append(ids, a.ID())
	}
	return join("ACCOUNTS", strings.Join(ids, ", ")), done(cmd, protocol.SearchWithTarget)
}

// account finds the account with that id.
func (s *Server) account(id string) (*middleware.Account, error) {
	if isBonjour(id) {
		return nil, protocol.Errorf(protocol.AccountFailed, "this account has no server, and is always there")
	}
	a, err := s.app.AccountManager().GetAccount(id)
	if err != nil {
		return nil, protocol.Errorf(protocol.UnknownAccount, "")
	}
	return a, nil
}

// getAccount reads a property or a setting: GET ACCOUNT <id> <property>.
func (s *Server) getAccount(_ context.Context, _ *conn, cmd *protocol.Command) (string, error) {
	id := cmd.Word()
	if isBonjour(id) {
		return s.getBonjour(id, cmd)
	}
	a, err := s.account(id)
	if err != nil {
		return "", err
	}
	name := cmd.Keyword()
	if get, ok := accountProperties[name]; ok {
		return join("ACCOUNT", id, name, get(a.Snapshot())), cmd.Done()
	}
	k, err := accountKey(name)
	if err != nil {
		return "", err
	}
	set := a.Settings()
	return join("ACCOUNT", id, name, valueText(k.Values(), k.Get(&set))), cmd.Done()
}

func accountKey(name string) (middleware.AccountKey, error) {
	k, err := middleware.FindAccountKey(name)
	if err != nil {
		return k, protocol.Errorf(protocol.BadAccountProperty, "there are %s, and the settings of accounts", sortedNames(accountProperties))
	}
	return k, nil
}

// setAccount changes a setting, SET ACCOUNT <id> <key> <value>, or the password,
// SET ACCOUNT <id> PASSWORD <secret>, which is not repeated in the reply.
func (s *Server) setAccount(ctx context.Context, _ *conn, cmd *protocol.Command) (string, error) {
	id := cmd.Word()
	if isBonjour(id) {
		return s.setBonjour(id, cmd)
	}
	a, err := s.account(id)
	if err != nil {
		return "", err
	}
	name := cmd.Keyword()
	if name == "PASSWORD" {
		secret := cmd.Raw()
		if secret == "" {
			return "", protocol.Errorf(protocol.BadValue, "the password is missing")
		}
		err := s.app.AccountManager().SetPassword(ctx, a.ID(), secret)
		return join("ACCOUNT", id, name), refuse(protocol.AccountFailed, err)
	}
	k, err := accountKey(name)
	if err != nil {
		return "", err
	}
	value := cmd.Rest()
	err = s.app.AccountManager().ChangeAccount(a.ID(), func(set *middleware.AccountSettings) error {
		return k.Set(set, value)
	})
	if err != nil {
		return "", refuse(protocol.BadValue, err)
	}
	set := a.Settings()
	return join("ACCOUNT", id, name, valueText(k.Values(), k.Get(&set))), nil
}

// alterAccount tries to register at once: ALTER ACCOUNT <id> REGISTER.
func (s *Server) alterAccount(_ context.Context, _ *conn, cmd *protocol.Command) (string, error) {
	id := cmd.Word()
	a, err := s.account(id)
	if err != nil {
		return "", err
	}
	verb := cmd.Keyword()
	if verb != "REGISTER" {
		return "", protocol.Errorf(protocol.AccountFailed, "the action is REGISTER")
	}
	if err := cmd.Done(); err != nil {
		return "", err
	}
	a.Reregister()
	return join("ALTER ACCOUNT", id, verb), nil
}

// createAccount makes one: CREATE ACCOUNT <id> [key=value …], where the keys are
// settings and "password".
func (s *Server) createAccount(ctx context.Context, _ *conn, cmd *protocol.Command) (string, error) {
	id := cmd.Word()
	pairs, err := cmd.Pairs()
	if err != nil {
		return "", err
	}
	address := id
	for _, scheme := range []string{"sip:", "sips:"} {
		if rest, ok := strings.CutPrefix(strings.ToLower(id), scheme); ok {
			address = id[len(id)-len(rest):]
		}
	}
	set, password := middleware.NewAccountSettings(address), ""
	for _, p := range pairs {
		if strings.EqualFold(p[0], "password") {
			password = p[1]
			continue
		}
		k, err := accountKey(p[0])
		if err != nil {
			return "", err
		}
		if err := k.Set(&set, p[1]); err != nil {
			return "", refuse(protocol.BadValue, err)
		}
	}
	_, err = s.app.AccountManager().AddAccount(ctx, set, password)
	switch {
	case errors.Is(err, middleware.ErrAccountExists):
		return "", protocol.Errorf(protocol.AccountExists, "")
	case err != nil:
		return "", refuse(protocol.BadValue, err)
	}
	return join("CREATE ACCOUNT", id), nil
}

// deleteAccount unregisters and removes one: DELETE ACCOUNT <id>.
func (s *Server) deleteAccount(ctx context.Context, _ *conn, cmd *protocol.Command) (string, error) {
	id := cmd.Word()
	a, err := s.account(id)
	if err != nil {
		return "", err
	}
	if err := cmd.Done(); err != nil {
		return "", err
	}
	err = s.app.AccountManager().RemoveAccount(ctx, a.ID())
	return join("DELETE ACCOUNT", id), refuse(protocol.AccountFailed, err)
}

// setDefaultAccount chooses the account for outgoing calls: SET DEFAULTACCOUNT
// <id>.
func (s *Server) setDefaultAccount(_ context.Context, _ *conn, cmd *protocol.Command) (string, error) {
	id := cmd.Word()
	if err := cmd.Done(); err != nil {
		return "", err
	}
	if err := s.chooseAccount(id); err != nil {
		return "", err
	}
	return join("DEFAULTACCOUNT", id), nil
}

func (s *Server) chooseAccount(id string) error {
	err := s.app.AccountManager().SetDefaultAccount(id)
	if errors.Is(err, middleware.ErrNoSuchAccount) {
		return protocol.Errorf(protocol.UnknownAccount, "")
	}
	return refuse(protocol.AccountFailed, err)
}
