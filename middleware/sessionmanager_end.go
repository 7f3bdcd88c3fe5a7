package middleware

import (
	"context"
	"maps"
	"slices"
)

// of returns all sessions of an account, those that are about to begin or to end
// included.
func (m *SessionManager) of(a *Account) []*Session {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []*Session
	for _, s := range m.sessions {
		if s.Snapshot().Account == a.id {
			list = append(list, s)
		}
	}
	return list
}

// direct returns the sessions without an account.
func (m *SessionManager) direct() []*Session {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []*Session
	for _, s := range m.sessions {
		if s.account == nil {
			list = append(list, s)
		}
	}
	return list
}

// endAll ends the sessions by their own rules and waits for them, at most until
// ctx ends.
func (m *SessionManager) endAll(ctx context.Context, sessions []*Session) {
	for _, s := range sessions {
		s.leave()
	}
	m.await(ctx, sessions)
}

// await waits until the sessions are over, at most until ctx ends.
func (m *SessionManager) await(ctx context.Context, sessions []*Session) {
	for _, s := range sessions {
		select {
		case <-s.done:
		case <-ctx.Done():
			s.log.Info("Session did not end in time")
		}
	}
}

// awaitAll is await for all sessions that there are.
func (m *SessionManager) awaitAll(ctx context.Context) {
	m.mu.Lock()
	sessions := slices.Collect(maps.Values(m.sessions))
	m.mu.Unlock()
	m.await(ctx, sessions)
}
