use std::cell::RefCell;
use std::fmt;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

use crate::process::processor_seconds;
use crate::question::Question;

const WARM_UP: Duration = Duration::from_millis(500);
const MEASURED: Duration = Duration::from_secs(4);

/// What came of asking a question again and again.
pub(crate) struct Load {
    name: &'static str,
    bytes: usize,
    connections: usize,
    seconds: f64,
    /// Of each answer, ascending.
    latencies: Vec<Duration>,
    /// Processor time of the server.
    processor: Option<f64>,
}

/// Asks on some connections at once; each asks again when it is answered.
pub(crate) fn run(
    address: SocketAddr,
    question: &Question,
    connections: usize,
    process: Option<u32>,
) -> Load {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let request: Rc<[u8]> = question.request(address).into();
    let measure = |duration: Duration| {
        let latencies = Rc::new(RefCell::new(Vec::with_capacity(1 << 20)));
        let local = LocalSet::new();
        let until = Instant::now() + duration;
        for _ in 0..connections {
            let (request, latencies) = (Rc::clone(&request), Rc::clone(&latencies));
            local.spawn_local(async move { ask(address, &request, until, &latencies).await });
        }
        runtime.block_on(local);
        latencies.take()
    };
    measure(WARM_UP);
    let (began, used) = (Instant::now(), process.map(processor_seconds));
    let mut latencies = measure(MEASURED);
    let seconds = began.elapsed().as_secs_f64();
    let processor = process.zip(used).map(|(id, used)| processor_seconds(id) - used);
    latencies.sort_unstable();
    let (name, bytes) = (question.name, question.body.len());
    Load { name, bytes, connections, seconds, latencies, processor }
}

async fn ask(
    address: SocketAddr,
    request: &[u8],
    until: Instant,
    latencies: &RefCell<Vec<Duration>>,
) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut buffer = vec![0; 1 << 16];
    while Instant::now() < until {
        let began = Instant::now();
        stream.write_all(request).await.unwrap();
        let mut read = 0;
        let length = loop {
            let bytes = stream.read(&mut buffer[read..]).await.unwrap();
            assert!(bytes > 0, "the server closed the connection");
            read += bytes;
            if let Some(length) = length(&buffer[..read]) {
                break length;
            }
        };
        while read < length {
            read += stream.read(&mut buffer[read..]).await.unwrap();
        }
        latencies.borrow_mut().push(began.elapsed());
    }
}

/// Length of an answer with its head, once that is there.
fn length(answer: &[u8]) -> Option<usize> {
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&answer[..end]).unwrap();
    assert!(head.starts_with("HTTP/1.1 200 "), "{}", String::from_utf8_lossy(answer));
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length").then(|| value.parse::<usize>().unwrap())
    });
    Some(end + 4 + length.unwrap())
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.latencies.len();
        let at =
            |share: f64| self.latencies[((count - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
        write!(
            f,
            "  {:<14} {:>6} bytes, {} connections: {:>7.0} requests/s, p50 {:.3} ms, p99 {:.3} ms",
            self.name,
            self.bytes,
            self.connections,
            count as f64 / self.seconds,
            at(0.5),
            at(0.99),
        )?;
        match self.processor {
            Some(seconds) => {
                write!(f, ", {:.1} µs of processor time", seconds / count as f64 * 1e6)
            }
            None => Ok(()),
        }
    }
}
