"""A picture of the reader's own: chosen in the browser's dialogue, refused in words, or shown."""

import pytest
from panels import where
from PIL import Image

PATH, CELL = where("A photograph of 32×32 pixels")
MINE = "orange.png\xa0(yours)"  # ipywidgets keeps the spaces of a choice


@pytest.mark.parametrize("path", [PATH], ids=lambda path: path.stem)
def test_a_picture_is_uploaded_refused_and_chosen_again(executed, tmp_path, in_jupyterlab):
    in_jupyterlab("a picture of one's own: uploaded, refused in words, chosen again")
    panel = executed.panel(CELL)
    panel.renew()
    start = panel.at_rest()
    choice = panel.output.locator("select")

    def upload(name, content=None):
        file = tmp_path / name
        if content is None:
            Image.new("RGB", (300, 200), "orange").save(file)
        else:
            file.write_bytes(content)
        with executed.page.expect_file_chooser() as chooser:
            panel.output.locator(".widget-upload, .jupyter-widget-upload").click()
        chooser.value.set_files(file)
        return panel.at_rest()

    orange = upload("orange.png")
    assert orange.picture != start.picture
    assert choice.evaluate("select => select.selectedOptions[0].text") == MINE

    refused = upload("letter.png", b"Dear reader,")
    assert refused.picture == orange.picture
    message = panel.output.locator("[role=alert]").inner_text()
    assert "letter.png" in message
    assert "The picture before it stays." in message

    choice.select_option(index=0)
    assert panel.at_rest().picture == start.picture
    choice.select_option(label=MINE)
    assert panel.at_rest().picture == orange.picture
    assert panel.output.locator("[role=alert]").count() == 0
