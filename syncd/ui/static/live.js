// Says so when a page no longer hears from the daemon, and leads to the way in when the session is over.
document.addEventListener("htmx:sse:error", (event) => {
  if (event.detail.status === 401) location.reload();
  else document.getElementById("lost").hidden = false;
});
document.addEventListener("htmx:sse:after:message", () => {
  document.getElementById("lost").hidden = true;
});
