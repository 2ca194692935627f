// Records, for one slider panel, the way from a key press to painted pixels; times in milliseconds of performance.now().
(output) => {
    const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
    const picture = output.querySelector("img.widget-image");
    const log = {keys: [], sent: [], received: {}, pictures: [], shown: [], loaded: [], painted: []};
    const now = () => performance.now();
    output.addEventListener("keydown", (event) => log.keys.push(event.timeStamp), true);
    kernel.anyMessage.connect((_, {msg, direction}) => {
        if (msg.header.msg_type !== "comm_msg") return;
        if (direction === "send") log.sent.push([now(), msg.header.msg_id]);
        // A picture travels in a buffer; the kernel echoes a slider's new value as soon as it has it.
        else if (msg.buffers?.length) log.pictures.push(now());
        else if (msg.content.data.method === "echo_update") log.received[msg.parent_header.msg_id] = now();
    });
    new MutationObserver(() => log.shown.push(now())).observe(picture, {attributeFilter: ["src"]});
    picture.addEventListener("load", () => {
        const loaded = now();
        // A message posted from an animation frame arrives after that frame is painted.
        const {port1, port2} = new MessageChannel();
        port1.onmessage = () => { log.loaded.push(loaded); log.painted.push(now()); };
        requestAnimationFrame(() => port2.postMessage(null));
    });
    output.log = log;
}
