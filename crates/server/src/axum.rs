//! axum.

use std::future::Future;

use ::axum::Router;
use ::axum::extract::Request;
use ::axum::response::{IntoResponse, Response};
use ::axum::routing::{MethodRouter, get};
use hyper_util::service::TowerToHyperService;

use crate::{EventBody, Hub, Server};

/// Returns a route that answers GET with the stream of a hub.
///
/// A handler of your own, which checks a token or chooses a hub, returns [`Hub::respond`] in the same way.
///
/// # Panics
///
/// Never.
///
/// # Examples
///
/// ```
/// use axum::extract::{Request, State};
/// use axum::http::{Response, StatusCode};
/// use axum::routing::get;
/// use axum::Router;
/// use ssewire_server::{events, EventBody, Hub};
///
/// async fn own(State(hub): State<Hub>, request: Request) -> Result<Response<EventBody>, StatusCode> {
///     let is_allowed = request.headers().get("authorization").is_some_and(|value| value == "Bearer key");
///     if is_allowed { Ok(hub.respond(&request)) } else { Err(StatusCode::UNAUTHORIZED) }
/// }
///
/// let hub = Hub::new();
/// let router: Router = Router::new().route("/events", events(&hub)).route("/own", get(own)).with_state(hub);
/// ```
pub fn events<S: Clone + Send + Sync + 'static>(hub: &Hub) -> MethodRouter<S> {
    let hub = hub.clone();
    get(move |request: Request| std::future::ready(hub.respond(&request).map(::axum::body::Body::new)))
}

impl Server {
    /// Serves a router of axum; see [`serve`](Server::serve).
    ///
    /// # Panics
    ///
    /// Never, unless a handler does.
    pub async fn serve_router(self, router: Router, shutdown: impl Future<Output = ()>) {
        self.serve(TowerToHyperService::new(router), shutdown).await;
    }
}

/// As a part of a response, with the fields that it gets from [`Hub::respond`].
impl IntoResponse for EventBody {
    fn into_response(self) -> Response {
        let fields = ssewire::http::RESPONSE_HEADERS;
        (fields, ::axum::body::Body::new(self)).into_response()
    }
}
