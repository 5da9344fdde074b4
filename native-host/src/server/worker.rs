//! One thread: accepts, serves, and ends when told.

use std::{
    cell::Cell,
    io,
    net::{IpAddr, SocketAddr, TcpListener as StdListener},
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use socket2::SockRef;
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::{Builder, LocalOptions},
    sync::{Notify, mpsc, watch},
    task::spawn_local,
    time::sleep,
};

use super::{House, Limits, Order, Service, connection::Protocols, watch::Drain};

/// How long accepting pauses when the process is out of file descriptors or memory.
const PAUSE: Duration = Duration::from_millis(50);

/// What the kernel may hold of an answer before it has sent it, in bytes: the rest stays with us,
/// where it is counted.
#[cfg(target_os = "linux")]
const NOT_SENT: u32 = 128 << 10;

/// How long the last handshakes may take, when no more are begun.
const SETTLE: Duration = Duration::from_millis(100);

/// What a thread is given.
pub struct Seat {
    pub listener: StdListener,
    pub limits: Limits,
    pub house: House,
    pub order: watch::Receiver<Order>,
    /// Dropped when this thread has no listener and no connection any more.
    pub unfinished: mpsc::Sender<()>,
}

/// The thread's whole life.
pub fn work<S: Service>(seat: Seat, make: impl FnOnce() -> S) {
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default());
    match runtime {
        Ok(runtime) => runtime.block_on(async { serve(seat, make()).await }),
        Err(error) => tracing::error!(%error, "a thread could not start its runtime"),
    }
}

async fn serve<S: Service>(seat: Seat, service: S) {
    let Seat { listener, limits, house, mut order, unfinished } = seat;
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "a listener could not be used"),
    };
    let reception = Rc::new(Reception {
        service: Rc::new(service),
        protocols: Protocols::new(&limits),
        limits,
        drain: Rc::default(),
        house,
        here: Cell::new(0),
        gone: Notify::new(),
        told: Cell::new(None),
    });

    tokio::select! {
        () = accept(&listener, &reception) => {}
        () = until(&mut order, Order::Drain) => {}
    }
    reception.drain.begin();
    tokio::select! {
        () = accept(&listener, &reception) => {}
        () = until(&mut order, Order::Close) => {}
    }
    refuse(&listener);
    tokio::select! {
        () = accept(&listener, &reception) => {}
        () = sleep(SETTLE) => {}
    }
    close(listener, &reception);
    let done = async {
        reception.empty().await;
        reception.house.later.done().await;
    };
    tokio::select! {
        () = done => {}
        () = until(&mut order, Order::Stop) => {}
    }
    drop(unfinished);
    until(&mut order, Order::Stop).await;
}

async fn until(order: &mut watch::Receiver<Order>, least: Order) {
    // An error means that nobody can give orders any more, which is an order to stop.
    let _ = order.wait_for(|order| *order >= least).await;
}

/// Accepts for ever. Errors concern one connection (it was gone again) or the whole process
/// (too many open files); after the latter kind it has to wait, or it would spin.
async fn accept<S: Service>(listener: &TcpListener, reception: &Rc<Reception<S>>) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => Reception::admit(reception, stream, peer),
            Err(error) if is_of_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "connections can't be accepted");
                sleep(PAUSE).await;
            }
        }
    }
}

fn is_of_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// Lets no more handshakes begin, while those that have begun can still end: their clients may
/// already count themselves connected, and closing the listener would reset them. The packet
/// filter drops every SYN; who sent it tries again, and is refused by then. Where there is no
/// such filter, a gap of microseconds remains.
fn refuse(listener: &TcpListener) {
    #[cfg(target_os = "linux")]
    {
        use socket2::SockFilter;
        let _ = SockRef::from(listener).attach_filter(&[
            // The flags of the TCP header, of them SYN and ACK.
            SockFilter::new(BPF_LOAD_BYTE, 0, 0, 13),
            SockFilter::new(BPF_AND, 0, 0, 0x12),
            // SYN alone: the next instruction; anything else: the one after it.
            SockFilter::new(BPF_JUMP_IF_EQUAL, 0, 1, 0x02),
            SockFilter::new(BPF_RETURN, 0, 0, 0),
            SockFilter::new(BPF_RETURN, 0, 0, u32::MAX),
        ]);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = listener;
}

#[cfg(target_os = "linux")]
const BPF_LOAD_BYTE: u16 = 0x30;
#[cfg(target_os = "linux")]
const BPF_AND: u16 = 0x54;
#[cfg(target_os = "linux")]
const BPF_JUMP_IF_EQUAL: u16 = 0x15;
#[cfg(target_os = "linux")]
const BPF_RETURN: u16 = 0x06;

/// Closes the listener. Connections that wait to be accepted were acknowledged to their clients,
/// so they are served.
fn close<S: Service>(listener: TcpListener, reception: &Rc<Reception<S>>) {
    let socket = SockRef::from(&listener);
    while let Ok((stream, peer)) = socket.accept() {
        let stream = std::net::TcpStream::from(stream);
        let stream = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream));
        if let (Ok(stream), Some(peer)) = (stream, peer.as_socket()) {
            Reception::admit(reception, stream, peer);
        }
    }
}

/// Where connections are let in and counted.
pub struct Reception<S> {
    pub service: Rc<S>,
    protocols: Protocols,
    pub limits: Limits,
    pub drain: Rc<Drain>,
    pub house: House,
    /// Open connections of this thread.
    here: Cell<usize>,
    gone: Notify,
    /// When the log last told of too many connections.
    told: Cell<Option<Instant>>,
}

impl<S: Service> Reception<S> {
    fn admit(this: &Rc<Self>, stream: TcpStream, peer: SocketAddr) {
        this.here.set(this.here.get() + 1);
        let here = Here(Rc::clone(this));
        // A client of IPv4 on a dual-stack listener is known by its IPv4 address.
        let peer = peer.ip().to_canonical();
        let seat = this.house.guests.admit(peer);
        if seat.0.is_extra() {
            this.tell(peer);
        }
        let _ = stream.set_nodelay(true);
        #[cfg(target_os = "linux")]
        let _ = SockRef::from(&stream).set_tcp_notsent_lowat(NOT_SENT);
        spawn_local(async move {
            let this = &here.0;
            let guest = Arc::clone(&seat.0);
            this.protocols.serve(stream, peer, &here.0, guest).await;
            drop(seat);
        });
    }

    /// The log tells of too many connections once a second.
    fn tell(&self, peer: IpAddr) {
        let now = Instant::now();
        if self.told.get().is_none_or(|told| now > told + Duration::from_secs(1)) {
            self.told.set(Some(now));
            tracing::warn!(
                address = %peer,
                "too many connections: new ones are answered health probes alone"
            );
        }
    }

    async fn empty(&self) {
        while self.here.get() > 0 {
            self.gone.notified().await;
        }
    }
}

/// A connection that counts as open on this thread until this is dropped.
struct Here<S>(Rc<Reception<S>>);

impl<S> Drop for Here<S> {
    fn drop(&mut self) {
        self.0.here.set(self.0.here.get() - 1);
        self.0.gone.notify_one();
    }
}
