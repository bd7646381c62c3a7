//! A server that only watches: answers HTTP/1.1 requests at once and writes down when each one came.
//!
//! `witness [--listen ADDR] [--out FILE] [--stall AT:FOR]`. One thread that never sleeps asks for readable
//! sockets over and over, so that no wake-up of its own is in what it notes; give it a core of its own (`taskset`). A
//! request's time is when its socket was seen to be readable, before it was read. It ends by `GET /quit`, SIGTERM or
//! SIGINT, and then writes `nanoseconds connection arrival` for each request: the monotonic clock, the number of the
//! connection, and the header `x-volley-arrival` or `-`. `--stall 4s:2s`: from 4 s after the first request on it stands
//! still for 2 s.

use std::error::Error;

#[cfg(target_os = "linux")]
fn main() -> Result<(), Box<dyn Error>> {
    watch::run()
}

#[cfg(not(target_os = "linux"))]
fn main() -> Result<(), Box<dyn Error>> {
    Err("the witness needs epoll, which this system does not have".into())
}

#[cfg(target_os = "linux")]
mod watch {
    use std::error::Error;
    use std::fs::File;
    use std::io::{BufWriter, ErrorKind, Read, Write, stdout};
    use std::mem::MaybeUninit;
    use std::net::{TcpListener, TcpStream};
    use std::path::PathBuf;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use compiler::unit::Length;
    use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
    use rustix::time::{ClockId, Timespec, clock_gettime};
    use tokio::net::TcpSocket;
    use tokio::runtime::Runtime;
    use tokio::signal::unix::{SignalKind, signal};

    const ANSWER: &[u8] =
        b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 12\r\n\r\nhello world\n";

    /// Requests that are noted; later ones are answered and counted.
    const NOTES_MAX: usize = 4_000_000;

    /// Bytes of one request.
    const REQUEST_MAX: usize = 16_384;

    /// Connections that may wait to be accepted; the kernel lowers it to `net.core.somaxconn`.
    const BACKLOG: u32 = 65_535;

    /// Marks the listening socket among connections.
    const LISTENER: u64 = u64::MAX;

    struct Options {
        listen: String,
        out: Option<PathBuf>,
        stall: Option<(u64, u64)>,
    }

    /// One request.
    struct Note {
        at_ns: u64,
        connection: u64,
        arrival: Option<Box<str>>,
    }

    struct Connection {
        stream: TcpStream,
        number: u64,
        bytes: Vec<u8>,
    }

    /// What comes of the bytes that were read.
    #[derive(Eq, PartialEq)]
    enum State {
        Open,
        Closed,
        Quit,
    }

    struct Witness {
        options: Options,
        connections: Vec<Option<Connection>>,
        free: Vec<usize>,
        opened: u64,
        notes: Vec<Note>,
        beyond: u64,
        first_ns: Option<u64>,
    }

    pub(crate) fn run() -> Result<(), Box<dyn Error>> {
        let options = options()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = listen(&options.listen, &runtime)?;
        let mut out = stdout().lock();
        writeln!(out, "listening on http://{}", listener.local_addr()?)?;
        out.flush()?;
        let asked = quit_on_signal(runtime)?;
        let mut witness = Witness {
            options,
            connections: Vec::new(),
            free: Vec::new(),
            opened: 0,
            notes: Vec::with_capacity(NOTES_MAX / 4),
            beyond: 0,
            first_ns: None,
        };
        witness.serve(&listener, &asked)?;
        witness.write()
    }

    fn options() -> Result<Options, Box<dyn Error>> {
        let mut options = Options { listen: "127.0.0.1:0".to_owned(), out: None, stall: None };
        let mut args = std::env::args().skip(1);
        while let Some(flag) = args.next() {
            // Cargo says this to every benchmark.
            if flag == "--bench" {
                continue;
            }
            let value = args.next().ok_or_else(|| format!("{flag} needs a value"))?;
            match flag.as_str() {
                "--listen" => options.listen = value,
                "--out" => options.out = Some(value.into()),
                "--stall" => {
                    let (at, length) = value.split_once(':').ok_or("write --stall as AT:FOR")?;
                    let ns = |text: &str| Length::parse(text).map(|length| length.0);
                    let failed = |_| format!("--stall {value}: write it as `4s:2s`");
                    options.stall = Some((ns(at).map_err(failed)?, ns(length).map_err(failed)?));
                }
                _ => return Err(format!("{flag} is not --listen, --out or --stall").into()),
            }
        }
        Ok(options)
    }

    /// Listens with room for every connection that may be opened while it stands still: the standard library's is for
    /// 128, above which the kernel makes clients wait a second and try again.
    fn listen(address: &str, runtime: &Runtime) -> Result<TcpListener, Box<dyn Error>> {
        let _guard = runtime.enter();
        let socket = TcpSocket::new_v4()?;
        socket.bind(address.parse()?)?;
        Ok(socket.listen(BACKLOG)?.into_std()?)
    }

    /// Returns what becomes true when a signal asks for the end.
    fn quit_on_signal(runtime: Runtime) -> Result<Arc<AtomicBool>, Box<dyn Error>> {
        let asked = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&asked);
        let guard = runtime.enter();
        let mut term = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        drop(guard);
        thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = term.recv() => {}
                    _ = interrupt.recv() => {}
                }
            });
            told.store(true, Ordering::Release);
        });
        Ok(asked)
    }

    impl Witness {
        fn serve(
            &mut self,
            listener: &TcpListener,
            asked: &AtomicBool,
        ) -> Result<(), Box<dyn Error>> {
            let poll = epoll::create(CreateFlags::CLOEXEC)?;
            epoll::add(&poll, listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
            let mut events = [MaybeUninit::<Event>::uninit(); 1_024];
            let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
            while !asked.load(Ordering::Relaxed) {
                if self.stalls(now_ns()) {
                    // Connections are accepted meanwhile, as a kernel does for a program that hangs; asking for requests
                    // that are not taken would change their order.
                    self.accept(listener, &poll)?;
                    continue;
                }
                let (ready, _) = epoll::wait(&poll, &mut events, Some(&at_once))?;
                if ready.is_empty() {
                    continue;
                }
                let now = now_ns();
                for event in ready.iter() {
                    match event.data.u64() {
                        LISTENER => self.accept(listener, &poll)?,
                        place => {
                            let place = usize::try_from(place)?;
                            match self.answer(place, now) {
                                State::Open => {}
                                State::Closed => self.close(place),
                                State::Quit => return Ok(()),
                            }
                        }
                    }
                }
            }
            Ok(())
        }

        /// Returns whether it stands still at `now`.
        fn stalls(&self, now: u64) -> bool {
            let (Some((at, length)), Some(first)) = (self.options.stall, self.first_ns) else {
                return false;
            };
            let since = now.saturating_sub(first);
            (at..at.saturating_add(length)).contains(&since)
        }

        fn accept(
            &mut self,
            listener: &TcpListener,
            poll: &impl std::os::fd::AsFd,
        ) -> Result<(), Box<dyn Error>> {
            loop {
                let stream = match listener.accept() {
                    Ok((stream, _)) => stream,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                    Err(error) => return Err(error.into()),
                };
                stream.set_nonblocking(true)?;
                stream.set_nodelay(true)?;
                let place = self.free.pop().unwrap_or_else(|| {
                    self.connections.push(None);
                    self.connections.len() - 1
                });
                epoll::add(poll, &stream, EventData::new_u64(place as u64), EventFlags::IN)?;
                let bytes = Vec::with_capacity(1_024);
                self.connections[place] = Some(Connection { stream, number: self.opened, bytes });
                self.opened += 1;
            }
        }

        /// Reads what has come and answers each whole request of it.
        fn answer(&mut self, place: usize, now: u64) -> State {
            let Some(connection) = &mut self.connections[place] else { return State::Open };
            let mut read = [0; 4_096];
            match connection.stream.read(&mut read) {
                Ok(0) => return State::Closed,
                Ok(bytes) => connection.bytes.extend_from_slice(&read[..bytes]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return State::Open,
                Err(_) => return State::Closed,
            }
            while let Some(end) = connection.bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&connection.bytes[..end]);
                if head.starts_with("GET /quit ") {
                    return State::Quit;
                }
                let end = end
                    + 4
                    + header(&head, "content-length")
                        .and_then(|length| length.parse().ok())
                        .unwrap_or(0);
                if connection.bytes.len() < end {
                    break;
                }
                let arrival = header(&head, "x-volley-arrival").map(Box::from);
                connection.bytes.drain(..end);
                // An answer of this size always finds room in an empty socket.
                if connection.stream.write(ANSWER).is_ok_and(|bytes| bytes == ANSWER.len()) {
                    self.first_ns.get_or_insert(now);
                } else {
                    return State::Closed;
                }
                if self.notes.len() < NOTES_MAX {
                    self.notes.push(Note { at_ns: now, connection: connection.number, arrival });
                } else {
                    self.beyond += 1;
                }
            }
            if connection.bytes.len() > REQUEST_MAX { State::Closed } else { State::Open }
        }

        /// Closing a socket takes it out of the set.
        fn close(&mut self, place: usize) {
            if self.connections[place].take().is_some() {
                self.free.push(place);
            }
        }

        fn write(&self) -> Result<(), Box<dyn Error>> {
            if self.beyond > 0 {
                writeln!(stdout(), "{} requests beyond {NOTES_MAX} were not noted", self.beyond)?;
            }
            let Some(path) = &self.options.out else { return Ok(()) };
            let mut out = BufWriter::new(File::create(path)?);
            for Note { at_ns, connection, arrival } in &self.notes {
                writeln!(out, "{at_ns} {connection} {}", arrival.as_deref().unwrap_or("-"))?;
            }
            Ok(out.flush()?)
        }
    }

    fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
        head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    fn now_ns() -> u64 {
        let time = clock_gettime(ClockId::Monotonic);
        let part = |part: i64| u64::try_from(part).unwrap_or(0);
        part(time.tv_sec) * 1_000_000_000 + part(time.tv_nsec)
    }
}
