// Package socketio is the server's half of Socket.IO 5 over Engine.IO 4, as far
// as a client needs it that listens for events: one namespace, the WebSocket
// transport, JSON. Everything that a client sends has a size and a time limit.
package socketio
