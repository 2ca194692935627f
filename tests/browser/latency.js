// Records, for one slider panel, the way from a key press to painted pixels; times in milliseconds of performance.now().
// Called again, it begins anew.
(output) => {
    const isNew = !output.log;
    output.log = {keys: [], sent: [], received: {}, pictures: [], shown: [], loaded: [], painted: []};
    if (!isNew) return;
    const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
    const picture = output.querySelector("img.widget-image");
    const now = () => performance.now();
    window.addEventListener("keydown", (event) => {
        if (output.contains(event.target)) output.log.keys.push(event.timeStamp);
    }, true);
    // A triangle keeps keys from JupyterLab by a listener of its own while it has the focus: it takes it after this one.
    const triangle = document.activeElement.closest(".lct-field");
    triangle?.blur();
    triangle?.focus();
    kernel.anyMessage.connect((_, {msg, direction}) => {
        if (msg.header.msg_type !== "comm_msg") return;
        const {method} = msg.content.data;
        if (direction === "send") method === "update" && output.log.sent.push([now(), msg.header.msg_id]);
        // A picture travels in a buffer; the kernel echoes a slider's new value as soon as it has it.
        else if (msg.buffers?.length) output.log.pictures.push(now());
        else if (method === "echo_update") output.log.received[msg.parent_header.msg_id] = now();
    });
    new MutationObserver(() => output.log.shown.push(now())).observe(picture, {attributeFilter: ["src"]});
    picture.addEventListener("load", () => {
        const loaded = now();
        // A message posted from an animation frame arrives after that frame is painted.
        const {port1, port2} = new MessageChannel();
        port1.onmessage = () => { output.log.loaded.push(loaded); output.log.painted.push(now()); };
        requestAnimationFrame(() => port2.postMessage(null));
    });
}
