// A picture beside the pointer: of the point that it is over, or of what the value under it sees of the image.

const SIDE = 140; // pixels on the page

class HoverPicture {
  constructor() {
    this.box = document.createElement("div");
    this.box.className = "mnist-lab-plot-hover";
    this.canvas = document.createElement("canvas");
    this.words = document.createElement("div");
    this.box.append(this.canvas, this.words);
    this.box.hidden = true;
    document.body.appendChild(this.box);
    this.address = "";
    this.sheet = new Image();
  }

  // `pictures` is what the figure brings, as mnist_lab/ui/plot.py says.
  use(pictures) {
    this.pictures = pictures;
    this.hide();
    if (pictures && pictures.sheet !== this.address) {
      this.address = pictures.sheet;
      this.sheet.src = pictures.sheet;
    }
  }

  show(event) {
    const point = event?.points?.[0];
    const found = point && this.pictures && (this.pictures.grid ? this.seen(point) : this.tile(point));
    if (!found) {
      this.hide();
      return;
    }
    const [width, height] = this.pictures.tile;
    this.canvas.width = this.canvas.height = SIDE;
    const pen = this.canvas.getContext("2d");
    pen.imageSmoothingEnabled = false;
    const left = (found.index % this.pictures.columns) * width;
    const top = Math.floor(found.index / this.pictures.columns) * height;
    pen.drawImage(this.sheet, left, top, width, height, 0, 0, SIDE, SIDE);
    if (found.window) {
      const [first, last, start, end] = found.window;
      const [x, y] = [SIDE / width, SIDE / height];
      pen.strokeStyle = "#E69F00";
      pen.lineWidth = 3;
      pen.strokeRect(start * x + 1, first * y + 1, (end - start + 1) * x - 2, (last - first + 1) * y - 2);
    }
    this.words.textContent = found.words;
    this.box.hidden = false;
    this.place(event.event);
  }

  // Which tile of the sheet a point has, and its words: both are its customdata.
  tile(point) {
    if (!Array.isArray(point.customdata)) return null;
    const [index, words] = point.customdata;
    return { index, words };
  }

  // Which part of the image the value in a cell of a grid of maps sees.
  seen(point) {
    const { steps, size, columns, maps, first, rows, across, name } = this.pictures.grid;
    const [tileRow, row] = [Math.floor(point.y / steps[0]), point.y % steps[0]];
    const [tileColumn, column] = [Math.floor(point.x / steps[1]), point.x % steps[1]];
    const number = tileRow * columns + tileColumn;
    if (row >= size[0] || column >= size[1] || number >= maps || point.z === null) return null;
    const down = rows[Math.min(row, rows.length - 1)];
    const over = across[Math.min(column, across.length - 1)];
    const words = `${name} ${first + number}, row ${row}, column ${column}: ${Number(point.z).toPrecision(4)}. `
      + `Sees rows ${down[0]}–${down[1]}, columns ${over[0]}–${over[1]}.`;
    return { index: 0, window: [...down, ...over], words };
  }

  place(pointer) {
    const [width, height] = [this.box.offsetWidth, this.box.offsetHeight];
    const x = pointer.clientX + 18 + width > innerWidth ? pointer.clientX - 18 - width : pointer.clientX + 18;
    const y = Math.min(pointer.clientY + 12, innerHeight - height - 8);
    this.box.style.left = `${Math.max(4, x)}px`;
    this.box.style.top = `${Math.max(4, y)}px`;
  }

  hide() {
    this.box.hidden = true;
  }

  destroy() {
    this.box.remove();
  }
}
