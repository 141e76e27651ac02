//! The accept loop: sockets as event streams need them, and a handle on each connection.

use std::error::Error;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

/// Accepts connections of HTTP/1.1 and serves them, with the settings that event streams need.
///
/// - `TCP_NODELAY`: an event leaves at once.
/// - `TCP_NOTSENT_LOWAT` of 16 KiB, where the system has it: the kernel asks for more when that little is unsent. So a slow reader
///   is noticed after kilobytes, and its events are not seconds old.
/// - A handle on each connection, so that the hub can close one that does not read: [`Slow::Closed`](crate::Slow::Closed).
/// - A time within which the head of a request must arrive, and a limit of hyper's buffer.
///
/// # Browsers and proxies
///
/// It speaks HTTP/1.1, to which a browser opens six connections for each host, all tabs together: the seventh stream waits. A
/// proxy in front of it that speaks HTTP/2 to browsers, such as nginx or Caddy, removes this limit. The proxy has a connection to
/// this server for each stream, and reads ahead into its own buffer. So a slow reader is noticed later, when that buffer is
/// full, and [`Slow::Closed`](crate::Slow::Closed) ends that one stream.
///
/// # Memory
///
/// An idle connection takes about 12 KiB of memory, and 19 KiB are allocated for it, most of it by hyper. One that does not read
/// takes up to 64 KiB and a [chunk](crate::Builder::chunk) more in hyper, and in the kernel a send buffer, which Linux bounds by
/// the third number of `net.ipv4.tcp_wmem`.
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
///
/// use hyper::service::service_fn;
/// use ssewire_server::{Hub, Server};
///
/// # async fn run() -> std::io::Result<()> {
/// let hub = Hub::new();
/// let events = hub.clone();
/// let service = service_fn(move |request| {
///     let response = events.respond(&request);
///     async move { Ok::<_, std::convert::Infallible>(response) }
/// });
/// Server::bind("127.0.0.1:8080").await?.serve(service, async move {
///     let _ = tokio::signal::ctrl_c().await;
///     hub.shutdown(Duration::from_secs(5)).await;
/// }).await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    head: Duration,
    connections: usize,
}

impl Server {
    /// Returns a server on this address.
    ///
    /// # Errors
    ///
    /// Those of binding.
    pub async fn bind(address: impl tokio::net::ToSocketAddrs) -> io::Result<Server> {
        Ok(Server::new(TcpListener::bind(address).await?))
    }

    /// Returns a server on a listener.
    #[must_use]
    pub fn new(listener: TcpListener) -> Server {
        Server { listener, head: Duration::from_secs(10), connections: usize::MAX }
    }

    /// Returns the address that it listens on.
    ///
    /// # Errors
    ///
    /// Those of the socket.
    pub fn local_addr(&self) -> io::Result<std::net::SocketAddr> {
        self.listener.local_addr()
    }

    /// Sets the time within which the head of a request must arrive. Default: 10 seconds.
    #[must_use]
    pub fn head_timeout(mut self, time: Duration) -> Server {
        self.head = time;
        self
    }

    /// Sets the most connections at a time; those above it are closed at once. Default: no limit.
    #[must_use]
    pub fn connections(mut self, limit: usize) -> Server {
        self.connections = limit;
        self
    }

    /// Serves until `shutdown` is done, which should include [`Hub::shutdown`](crate::Hub::shutdown). Then it accepts no more
    /// connections, and closes those that are still open one second later.
    ///
    /// Dropping the future closes all.
    ///
    /// # Panics
    ///
    /// Never, unless the service does.
    pub async fn serve<S, B>(self, service: S, shutdown: impl Future<Output = ()>)
    where
        S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
        S::Future: Send + 'static,
        S::Error: Into<Box<dyn Error + Send + Sync>>,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(self.head).max_buf_size(HTTP_BUFFER);
        let mut connections = JoinSet::new();
        let mut shutdown = pin!(shutdown);
        loop {
            let accepted = tokio::select! {
                () = &mut shutdown => break,
                accepted = self.listener.accept() => accepted,
                Some(_) = connections.join_next() => continue,
            };
            match accepted {
                Ok((stream, _)) if connections.len() < self.connections => {
                    configure(&stream);
                    let connection = Connection::default();
                    let service = WithConnection { service: service.clone(), connection: connection.clone() };
                    let served = http.serve_connection(TokioIo::new(stream), service);
                    let task = connections.spawn(async move {
                        // Its errors are those of one client.
                        let _ = served.await;
                    });
                    let _ = connection.task.set(task);
                }
                Ok(_) => {}
                // The connection was reset, or there are no more file descriptors: a pause lets others end.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
        drop(self.listener);
        let ended = async { while connections.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(Duration::from_secs(1), ended).await;
    }
}

/// Bytes that hyper buffers for a connection that does not read.
const HTTP_BUFFER: usize = 64 << 10;

/// Bytes not sent yet below which the kernel asks for more.
const NOT_SENT: u32 = 16 << 10;

/// Sets the options of an accepted socket that event streams need, for an accept loop of your own: `TCP_NODELAY`, and
/// `TCP_NOTSENT_LOWAT` of 16 KiB where the system has it. An option that the system rejects is left out.
pub fn configure(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = SockRef::from(stream).set_tcp_notsent_lowat(NOT_SENT);
}

/// A handle on a connection, which [`Server`] puts into the extensions of each request, and [`Hub::respond`](crate::Hub::respond)
/// takes from there.
#[derive(Clone, Default)]
pub(crate) struct Connection {
    task: Arc<OnceLock<AbortHandle>>,
}

impl Connection {
    pub(crate) fn close(&self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }
}

#[derive(Clone)]
struct WithConnection<S> {
    service: S,
    connection: Connection,
}

impl<S: Service<Request<Incoming>>> Service<Request<Incoming>> for WithConnection<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn call(&self, mut request: Request<Incoming>) -> S::Future {
        request.extensions_mut().insert(self.connection.clone());
        self.service.call(request)
    }
}
