//go:build !linux

package network

import (
	"errors"
	"net/netip"
)

// Config says where a Network is.
type Config struct {
	Namespace, Bridge, Table string
	Subnet                   netip.Prefix
	Resolvers                []netip.Addr
	Opened                   []netip.Prefix
	Members                  map[netip.Addr]Policy
}

// Network is there on Linux only.
type Network struct{}

// Open returns errors.ErrUnsupported.
func Open(Config) (*Network, error) { return nil, errors.ErrUnsupported }

// Inside is there on Linux only.
type Inside struct{}

// Enter returns errors.ErrUnsupported.
func Enter(int, netip.Addr) (*Inside, error) { return nil, errors.ErrUnsupported }

// Wire returns errors.ErrUnsupported.
func (*Inside) Wire(*Inside, string, string) error { return errors.ErrUnsupported }

// Close returns errors.ErrUnsupported.
func (*Inside) Close() error { return errors.ErrUnsupported }

// Used returns errors.ErrUnsupported.
func Used(string) ([]netip.Prefix, error) { return nil, errors.ErrUnsupported }

// Close returns errors.ErrUnsupported, as all methods do.
func (*Network) Close() error { return errors.ErrUnsupported }

// Plug returns errors.ErrUnsupported.
func (*Network) Plug(int, string, netip.Addr) error { return errors.ErrUnsupported }

// Unplug returns errors.ErrUnsupported.
func (*Network) Unplug(string) error { return errors.ErrUnsupported }

// Sent returns errors.ErrUnsupported.
func (*Network) Sent(string) (int64, error) { return 0, errors.ErrUnsupported }

// Plugs returns errors.ErrUnsupported.
func (*Network) Plugs() ([]string, error) { return nil, errors.ErrUnsupported }

// Admit returns errors.ErrUnsupported.
func (*Network) Admit(netip.Addr, Policy) error { return errors.ErrUnsupported }

// Expel returns errors.ErrUnsupported.
func (*Network) Expel(netip.Addr) error { return errors.ErrUnsupported }

// Remove returns errors.ErrUnsupported.
func (*Network) Remove() error { return errors.ErrUnsupported }
