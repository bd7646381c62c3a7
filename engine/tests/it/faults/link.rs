//! A wire between an agent and the broker that can be cut: a TCP proxy that stops forwarding and closes nothing.
//!
//! As with packets that are dropped, what was sent into a cut connection arrives when it is healed, late, and in a
//! connection that its sender may have given up long ago.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

/// How often a thread that has nothing to do looks whether the test is over.
const LOOK: Duration = Duration::from_millis(20);

/// Bytes of a connection that a cut link holds back itself; the kernel's buffers hold more.
const HELD_BYTES: usize = 16 << 10;

/// A link; dropping it closes every connection through it.
pub(super) struct Link {
    /// Where the agent finds its broker.
    pub(super) address: SocketAddr,
    gate: Arc<Gate>,
}

#[derive(Default)]
struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum State {
    #[default]
    Open,
    Cut,
    Over,
}

impl Gate {
    fn set(&self, state: State) {
        *self.state.lock().unwrap() = state;
        self.changed.notify_all();
    }

    /// Waits while the link is cut; `false` when the test is over.
    fn passes(&self) -> bool {
        let state = self.state.lock().unwrap();
        let state = self.changed.wait_while(state, |state| *state == State::Cut).unwrap();
        *state == State::Open
    }
}

impl Link {
    /// Starts a link to `broker` on a free port.
    pub(super) fn to(broker: SocketAddr) -> Link {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let gate = Arc::new(Gate::default());
        let entrance = Arc::clone(&gate);
        thread::spawn(move || serve(&listener, broker, &entrance));
        Link { address, gate }
    }

    /// Nothing passes any more, in either direction; nobody is told.
    pub(super) fn cut(&self) {
        self.gate.set(State::Cut);
    }

    /// Everything passes again.
    pub(super) fn heal(&self) {
        self.gate.set(State::Open);
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.gate.set(State::Over);
    }
}

/// While the link is cut, connections wait in the kernel's backlog, as they do before a server that hangs.
fn serve(listener: &TcpListener, broker: SocketAddr, gate: &Arc<Gate>) {
    while gate.passes() {
        let near = match listener.accept() {
            Ok((near, _)) => near,
            Err(_) => {
                thread::sleep(LOOK);
                continue;
            }
        };
        // A broker that is away refuses: so does the link.
        let Ok(far) = TcpStream::connect(broker) else { continue };
        for (from, to) in [(&near, &far), (&far, &near)] {
            let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
            from.set_nonblocking(false).unwrap();
            from.set_read_timeout(Some(LOOK)).unwrap();
            let gate = Arc::clone(gate);
            thread::spawn(move || pump(from, to, &gate));
        }
    }
}

fn pump(mut from: TcpStream, mut to: TcpStream, gate: &Gate) {
    let mut held = vec![0; HELD_BYTES];
    while gate.passes() {
        match from.read(&mut held) {
            Ok(0) => break,
            Ok(read) => {
                if !gate.passes() || to.write_all(&held[..read]).is_err() {
                    break;
                }
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => break,
        }
    }
    // Either may be closed already.
    from.shutdown(Shutdown::Both).ok();
    to.shutdown(Shutdown::Both).ok();
}

#[test]
fn a_cut_link_keeps_what_it_was_given() {
    let broker = TcpListener::bind("127.0.0.1:0").unwrap();
    let link = Link::to(broker.local_addr().unwrap());
    let mut agent = TcpStream::connect(link.address).unwrap();
    agent.write_all(b"before").unwrap();
    let (mut peer, _) = broker.accept().unwrap();
    let mut read = [0; 6];
    peer.read_exact(&mut read).unwrap();
    assert_eq!(&read, b"before");
    link.cut();
    agent.write_all(b"during").unwrap();
    peer.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    assert!(peer.read(&mut read).is_err(), "nothing passes");
    link.heal();
    peer.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    peer.read_exact(&mut read).unwrap();
    assert_eq!(&read, b"during");
}
