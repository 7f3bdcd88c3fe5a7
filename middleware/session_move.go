package middleware

// moveStreams is the first half of telling the peer that we have another address:
// the offer that follows names the new one.
func (s *Session) moveStreams() {
	s.moved = false
	s.now.Reconnecting = true
}
