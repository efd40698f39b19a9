// The wire to Streamlit: https://docs.streamlit.io/develop/concepts/custom-components/components-v1/intro
function send(type, values) {
  window.parent.postMessage({ isStreamlitMessage: true, type, ...values }, "*");
}

export function connect(onArguments) {
  window.addEventListener("message", (event) => {
    if (event.source === window.parent && event.data.type === "streamlit:render") {
      onArguments(event.data.args, event.data.theme);
    }
  });
  send("streamlit:componentReady", { apiVersion: 1 });
}

export function setHeight(height) {
  send("streamlit:setFrameHeight", { height });
}
