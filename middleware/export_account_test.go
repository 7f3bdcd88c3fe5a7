package middleware

import (
	"parley/sip"
)

// Admit judges a request from outside any dialog as the account's endpoint does.
func (a *Account) Admit(r sip.Request) int { return a.admit(r) }
